/** What a content is by its first bytes, whatever its name says. Only these are shown; everything else can only be saved. */

export interface ContentType {
  /** The extension of such a file's name. */
  readonly extension: string;
  /** As the browser is told. */
  readonly mime: string;
  readonly shows: "picture" | "recording" | "nothing";
}

/** How many bytes tell. */
const START = 12;

const picture = (extension: string, mime: string): ContentType => ({ extension, mime, shows: "picture" });
const recording = (extension: string, mime: string): ContentType => ({ extension, mime, shows: "recording" });
const MP3 = recording("mp3", "audio/mpeg");
const OTHER: ContentType = { extension: "bin", mime: "application/octet-stream", shows: "nothing" };

/** Each byte as a character. */
const TYPES: readonly (readonly [start: RegExp, type: ContentType])[] = [
  [/^\x89PNG\r\n\x1a\n/, picture("png", "image/png")],
  [/^\xff\xd8\xff/, picture("jpg", "image/jpeg")],
  [/^GIF8[79]a/, picture("gif", "image/gif")],
  [/^RIFF[^]{4}WEBP/, picture("webp", "image/webp")],
  [/^RIFF[^]{4}WAVE/, recording("wav", "audio/wav")],
  [/^OggS/, recording("ogg", "audio/ogg")],
  [/^ID3/, MP3],
  [/^[^]{4}ftyp/, recording("m4a", "audio/mp4")],
  [/^\x1a\x45\xdf\xa3/, recording("webm", "audio/webm")],
];

export async function contentType(content: Blob): Promise<ContentType> {
  const bytes = new Uint8Array(await content.slice(0, START).arrayBuffer());
  const start = String.fromCharCode(...bytes);
  return TYPES.find(([pattern]) => pattern.test(start))?.[1] ?? (isMpegFrame(bytes) ? MP3 : OTHER);
}

/** A frame of layer III (ISO 11172-3): its eleven bits of sync, its layer, and a version, a bit rate and a sampling rate that exist. */
function isMpegFrame([first = 0, second = 0, third = 0xff]: Uint8Array): boolean {
  return first === 0xff && (second & 0xe0) === 0xe0 && (second & 0x18) !== 0x08 && (second & 0x06) === 0x02
    && (third & 0xf0) !== 0xf0 && (third & 0x0c) !== 0x0c;
}
