//! What the two invented computers record beside events: pictures of the screen, a spoken note, keystrokes, clipboard, chats.
//! Drawn and made up here; the agent takes them from folders and files as it would take real ones.

use std::fs::{self, File, FileTimes};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use anyhow::{Context, Result};
use serde_json::json;

/// Where an agent finds the recordings of one computer.
pub(crate) struct Recordings {
    pub(crate) screenshots: PathBuf,
    pub(crate) voice: PathBuf,
    pub(crate) records: PathBuf,
}

const WIDTH: u32 = 960;
const HEIGHT: u32 = 540;
/// Pictures of one computer.
const PICTURES: u64 = 8;
/// Pictures and sounds of one computer.
pub(crate) const BLOBS: u64 = PICTURES + 1;
/// Colours of windows.
const PALETTE: [[u8; 3]; 5] = [[38, 70, 83], [42, 157, 143], [233, 196, 106], [244, 162, 97], [231, 111, 81]];

/// What was typed, copied and written to others, one after the other.
pub(crate) const RECORDS: [(&str, &str); 7] = [
    ("chat", "Morning! Is the tide table of March in already?"),
    ("keystrokes", "cargo test --workspace⏎"),
    ("clipboard", "https://harbour.example/berths/17?from=2026-03-14"),
    ("chat", "مرحبا، التقرير جاهز 👍"),
    ("keystrokes", "Sehr geehrte Frau Müller,⏎anbei das Angebot."),
    ("clipboard", "1,204.50\t17\t=SUM(A1:A9)"),
    ("chat", "Off for today. Call me if the crane is late: 555 0142"),
];

/// Makes the recordings of one computer in `folder`: a picture at `begin_ms` and after each `step_ms`, the rest between
/// them. The same for the same seed.
pub(crate) fn make(folder: &Path, seed: u64, begin_ms: u64, step_ms: u64) -> Result<Recordings> {
    let recordings = Recordings {
        screenshots: folder.join("screenshots"),
        voice: folder.join("voice"),
        records: folder.join("records.jsonl"),
    };
    fs::create_dir_all(&recordings.screenshots)?;
    fs::create_dir_all(&recordings.voice)?;
    for number in 0..PICTURES {
        let file = recordings.screenshots.join(format!("screen-{number}.png"));
        draw(&file, seed * PICTURES + number).with_context(|| format!("cannot draw {}", file.display()))?;
        set_time(&file, begin_ms + number * step_ms)?;
    }
    let note = recordings.voice.join("note.wav");
    fs::write(&note, tone(2 + seed % 3))?;
    set_time(&note, begin_ms + 5 * step_ms + 1000)?;
    let mut lines = String::new();
    for (number, (class, value)) in (0..).zip(RECORDS) {
        let time = begin_ms + number * step_ms + step_ms / 2;
        lines += &format!("{}\n", json!({"time": time, "class": class, "value": value}));
    }
    fs::write(&recordings.records, lines)?;
    Ok(recordings)
}

/// Some windows with lines in them, as a screen looks from afar.
fn draw(file: &Path, seed: u64) -> Result<()> {
    let mut pixels = vec![0; (WIDTH * HEIGHT * 3) as usize];
    let mut fill = |left: u32, top: u32, width: u32, height: u32, colour: [u8; 3]| {
        for y in top..(top + height).min(HEIGHT) {
            for x in left..(left + width).min(WIDTH) {
                let at = ((y * WIDTH + x) * 3) as usize;
                pixels[at..at + 3].copy_from_slice(&colour);
            }
        }
    };
    let mut number = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut below = |limit: u64| {
        number ^= number << 13;
        number ^= number >> 7;
        number ^= number << 17;
        (number % limit) as u32
    };
    fill(0, 0, WIDTH, HEIGHT, [214, 222, 228]);
    fill(0, HEIGHT - 24, WIDTH, 24, [32, 36, 44]);
    for _ in 0..3 {
        let (left, top, width, height) = (below(500), below(220), 300 + below(260), 180 + below(180));
        let colour = PALETTE[below(PALETTE.len() as u64) as usize];
        fill(left + 4, top + 4, width, height, [170, 178, 186]);
        fill(left, top, width, height, [250, 250, 250]);
        fill(left, top, width, 22, colour);
        for line in 0..(height - 40) / 14 {
            fill(left + 14, top + 34 + line * 14, 40 + below(u64::from(width) - 80), 6, [120, 126, 134]);
        }
    }
    let mut encoder = png::Encoder::new(BufWriter::new(File::create(file)?), WIDTH, HEIGHT);
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header()?.write_image_data(&pixels)?;
    Ok(())
}

/// A sound of some seconds that rises and falls, as WAV (16-bit PCM, one channel).
fn tone(seconds: u64) -> Vec<u8> {
    const RATE: u32 = 8000;
    let samples = RATE * seconds as u32;
    let mut wav = Vec::new();
    let length = samples * 2;
    wav.extend_from_slice(b"RIFF");
    wav.extend_from_slice(&(36 + length).to_le_bytes());
    wav.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    wav.extend_from_slice(&RATE.to_le_bytes());
    wav.extend_from_slice(&(RATE * 2).to_le_bytes());
    wav.extend_from_slice(b"\x02\0\x10\0data");
    wav.extend_from_slice(&length.to_le_bytes());
    for sample in 0..samples {
        let time = f64::from(sample) / f64::from(RATE);
        let height = (time * 2200.0 + (time * 3.0).sin() * 90.0).sin() * (time * 9.0).sin().abs();
        wav.extend_from_slice(&((height * 9000.0) as i16).to_le_bytes());
    }
    wav
}

fn set_time(file: &Path, unix_ms: u64) -> Result<()> {
    let time = UNIX_EPOCH + Duration::from_millis(unix_ms);
    let mut file = File::options().append(true).open(file)?;
    file.flush()?;
    Ok(file.set_times(FileTimes::new().set_modified(time))?)
}
