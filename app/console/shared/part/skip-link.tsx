/** The first stop of the keyboard: past the head of the page, to `#main`. */
export function SkipLink() {
  return (
    <a class="skip-link" href="#main">
      Skip to the content
    </a>
  );
}
