/**
 * Opens TUN devices, which takes an ioctl that Node.js has no call for: a few lines of Perl, which every Debian has, open
 * one for each namespace so that a read never blocks, move it there, and become the process that is handed the descriptors.
 * A device is there as long as its descriptor is open: none is left behind.
 */

/** The name of each device in its namespace. */
export const deviceName = "link0";

/** TUNSETIFF, and IFF_TUN | IFF_NO_PI: whole packets of IP and nothing before them (linux/if_tun.h). */
const script = `
use strict; use Fcntl;
$^F = 255;
my (@open, @numbers);
for my $namespace (splice(@ARGV, 0, 2)) {
  sysopen(my $tun, "/dev/net/tun", O_RDWR | O_NONBLOCK) or die "/dev/net/tun: $!\\n";
  my $request = pack("a16 s x22", "cupel%d", 0x1001);
  ioctl($tun, 0x400454ca, $request) or die "TUNSETIFF: $!\\n";
  my $name = unpack("Z16", $request);
  system("ip", "link", "set", $name, "netns", $namespace) == 0 or die "$name cannot be moved\\n";
  system("ip", "-n", $namespace, "link", "set", $name, "name", "${deviceName}") == 0 or die "$name cannot be named\\n";
  push @open, $tun;
  push @numbers, fileno($tun);
}
$ENV{CUPEL_TUN} = join(",", @numbers);
exec(@ARGV) or die "$ARGV[0]: $!\\n";
`;

/** The command line that stands before that of the process which is handed both. */
export function tunCommand(near: string, far: string): readonly string[] {
  return ["perl", "-e", script, near, far];
}
