//! Prints the token of every value of a file of bindings/vectors/tokens.py (in its form of lines), or the code of its
//! refusal.

use std::error::Error;
use std::fs;
use std::io::Write;

use blindtally::{SavedAgent, TokenBatch, TokenClass};
use data_encoding::HEXLOWER;

fn main() -> Result<(), Box<dyn Error>> {
    let text = fs::read_to_string(std::env::args().nth(1).ok_or("a file of values is missing")?)?;
    let mut lines = text.lines();
    let state = HEXLOWER.decode(lines.next().ok_or("there is no state")?.as_bytes())?;
    let class = TokenClass::from_id(lines.next().ok_or("there is no class")?.parse()?)?;
    let agent = SavedAgent::from_exposed(state).restore()?.agent()?;
    let values = lines
        .map(|line| Ok(String::from_utf8(HEXLOWER.decode(line.as_bytes())?)?))
        .collect::<Result<Vec<_>, Box<dyn Error>>>()?;
    let mut many = TokenBatch::new();
    agent.tokenize_batch(class, values.iter().map(String::as_str), &mut many)?;
    let mut out = std::io::stdout().lock();
    for (value, batched) in values.iter().zip(many.iter()) {
        let line = match agent.tokenize(class, value) {
            Ok(token) => token.to_string(),
            Err(refused) => refused.code().to_owned(),
        };
        if line != batched.unwrap_or_else(|refused| refused.code()) {
            return Err("tokens of many values are others than of each alone".into());
        }
        writeln!(out, "{line}")?;
    }
    Ok(())
}
