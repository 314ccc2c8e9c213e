/** Why an access is worth a look, as short words. */
interface MarksProps {
  readonly isTagged: boolean;
  readonly isDenied: boolean;
  readonly isListed: boolean;
  readonly isNew: boolean;
  readonly isOfNewPackage?: boolean;
}

export function Marks({ isTagged, isDenied, isListed, isNew, isOfNewPackage = false }: MarksProps) {
  return (
    <>
      {isTagged && <b class="tag">secret</b>} {isDenied && <b class="tag refused">denied</b>}{" "}
      {!isListed && !isDenied && <b class="tag refused">not listed</b>}{" "}
      {isNew && <b class="tag fresh">new</b>} {isOfNewPackage && <b class="tag fresh">new package</b>}
    </>
  );
}
