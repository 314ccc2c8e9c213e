/** Where an image is chosen, or dropped. The whole field is one label, so that a click and the keyboard reach the input. */
import { useState } from "preact/hooks";

interface ImageFieldProps {
  readonly take: (file: File) => void;
}

export function ImageField({ take }: ImageFieldProps) {
  const [isOver, setOver] = useState(false);
  const over = (event: DragEvent) => {
    event.preventDefault();
    setOver(true);
  };
  return (
    <label
      class={isOver ? "image-field over" : "image-field"}
      onDragEnter={over}
      onDragOver={over}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        const [dropped] = event.dataTransfer?.files ?? [];
        if (dropped !== undefined) take(dropped);
      }}
    >
      <span>Choose an image, or drop one here</span>
      <input
        type="file"
        accept="image/jpeg,image/png,image/webp"
        onChange={({ currentTarget }) => {
          const [chosen] = currentTarget.files ?? [];
          if (chosen !== undefined) take(chosen);
        }}
      />
    </label>
  );
}
