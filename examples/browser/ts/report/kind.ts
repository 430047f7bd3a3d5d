/** What a report has rows of, and what the service is asked for them. */

export interface Kind {
  /** The heading over all rows, and over one. */
  readonly title: string;
  readonly one: string;
  /** What the service groups by: also the field of its rows that says what they stand for. */
  readonly by: "value" | "person" | "device" | "day" | "hour";
  /** Only events that carry a value of this class count. */
  readonly class: string;
  /** The class that the rows' own tokens must be of, where they are tokens. */
  readonly tokens?: string;
}

/**
 * What overviews count: time in applications. Events of browsers and editors lie within it, and those of idle time beside it;
 * all added up they would be more than a day has.
 */
const COUNTED = "app";

const values = (name: string, title: string, one: string): Kind => ({ title, one, by: "value", class: name, tokens: name });

export const KINDS = {
  app: values("app", "Applications", "Application"),
  host: values("host", "Sites", "Site"),
  url: values("url", "Addresses", "Address"),
  title: values("title", "Titles", "Title"),
  document: values("document", "Documents", "Document"),
  person: { title: "People", one: "Person", by: "person", class: COUNTED, tokens: "person" },
  day: { title: "Days", one: "Day", by: "day", class: COUNTED },
  hour: { title: "Hours", one: "Hour", by: "hour", class: COUNTED },
  device: { title: "Devices", one: "Device", by: "device", class: COUNTED },
} as const satisfies Record<string, Kind>;
export type KindName = keyof typeof KINDS;

/** Everybody who is in any event at all: who a report can be narrowed down to. */
export const PERSONS = values("person", "People", "Person");

/** Categories that are no labels of the owner's: the service has them in the clear. */
export const BUILT_IN: readonly string[] = ["productive", "neutral", "unproductive"];
