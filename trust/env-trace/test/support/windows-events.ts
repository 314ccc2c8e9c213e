/** Events of Windows as XML, as Security and Sysmon write them. */

export const xml = (provider: string, id: number, time: string, data: Record<string, string>, host = "PC") =>
  `<Event xmlns="http://schemas.microsoft.com/win/2004/08/events/event"><System><Provider Name="${provider}"/><EventID>${id}</EventID><TimeCreated SystemTime="${time}"/><Computer>${host}</Computer></System><EventData>${Object.entries(
    data,
  )
    .map(
      ([name, value]) =>
        `<Data Name="${name}">${value.replaceAll("&", "&amp;").replaceAll("<", "&lt;")}</Data>`,
    )
    .join("")}</EventData></Event>\n`;
export const security = (
  time: string,
  pid: string,
  parent: string,
  image: string,
  more: Record<string, string> = {},
) =>
  xml("Microsoft-Windows-Security-Auditing", 4688, time, {
    NewProcessId: pid,
    ProcessId: parent,
    NewProcessName: image,
    ...more,
  });
export const sysmon = (
  time: string,
  guid: string,
  parent: string,
  image: string,
  line: string,
  more: Record<string, string> = {},
) =>
  xml("Microsoft-Windows-Sysmon", 1, time, {
    ProcessGuid: `{${guid}}`,
    ProcessId: "7",
    Image: image,
    CommandLine: line,
    ParentProcessGuid: parent,
    ...more,
  });
