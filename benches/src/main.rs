//! Measures what we are proud of beside its peers: `blindtally-benches [--only NAME] [--json [FILE]]`.
//!
//! Prints criterion's report of ours as it goes, then a table; with `--json`, a JSON list as the last line, or in FILE.
//! `--only` runs the figures whose name contains NAME.

mod group_by;
mod import;
mod race;
mod service;
mod stream;
mod table;
mod token;

use std::error::Error;
use std::process::ExitCode;

use race::Races;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1).peekable();
    let (mut only, mut json, mut file) = (String::new(), false, None);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            // What the benchmark of streams starts of itself.
            "--process" => {
                let file = args.next().zip(args.next());
                let (what, file) = file.ok_or("--process needs what to do and a file")?;
                return stream::process(&what, &file);
            }
            "--only" => only = args.next().ok_or("--only needs the name of a figure")?,
            "--json" => {
                json = true;
                file = args.next_if(|next| !next.starts_with("--"));
            }
            _ => return Err(format!("unknown argument {arg}: [--only NAME] [--json [FILE]]").into()),
        }
    }
    let mut races = Races::new(only);
    token::run(&mut races)?;
    import::run(&mut races)?;
    group_by::run(&mut races)?;
    stream::run(&mut races)?;
    let figures = races.into_figures();
    if figures.is_empty() {
        return Err("no figure has that name".into());
    }
    match file {
        Some(file) => std::fs::write(file, table::json(&figures))?,
        None if json => println!("{}", table::json(&figures)),
        None => {}
    }
    if !json {
        print!("{}", table::text(&figures));
    }
    Ok(())
}
