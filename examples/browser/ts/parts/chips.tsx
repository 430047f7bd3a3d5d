/** One of a few, all of them in sight: radio buttons, so that arrow keys and screen readers know what to do. */
import { useId } from "preact/hooks";

export function Chips<Name extends string>({ legend, options, value, onChoose }: {
  legend: string;
  options: Readonly<Record<Name, string>>;
  /** None, where something else was chosen. */
  value: Name | undefined;
  onChoose: (name: Name) => void;
}) {
  const group = useId();
  return (
    <fieldset class="chips">
      <legend class="hidden">{legend}</legend>
      {(Object.entries(options) as [Name, string][]).map(([name, title]) => (
        <label key={name}>
          <input type="radio" name={group} checked={name === value} onChange={() => onChoose(name)} /><span>{title}</span>
        </label>
      ))}
    </fieldset>
  );
}
