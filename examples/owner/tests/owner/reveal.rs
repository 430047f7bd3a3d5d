//! The filter, as a program.

use std::io::{Read, Write};

use blindtally::TokenClass;

use crate::device::{Waiting, first_keys};
use crate::world::World;

#[test]
fn any_text_is_copied_with_its_tokens_revealed() {
    let world = World::new();
    let anna = world.person("anna");
    let waiting = Waiting::with_ticket(&world.url, &anna.ticket(), "laptop", first_keys());
    anna.run(&["confirm"]).ok();
    let agent = waiting.accept().agent;
    let token = |value: &str| agent.tokenize(TokenClass::TITLE, value).unwrap().to_string();
    let (word, evil) = (token("Büro – 日本"), token("a\u{1b}]0;b\nc"));
    let mut damaged = word.clone();
    let last = if damaged.pop() == Some('A') { 'Q' } else { 'A' };
    damaged.push(last);
    let text = format!("{{\"title\": \"{word}\"}}\n{evil},{damaged},x{word}\n");
    let expected = format!("{{\"title\": \"Büro – 日本\"}}\na\\u{{1b}}]0;b\\u{{a}}c,{damaged},x{word}\n");
    let done = anna.run_with(&["reveal"], &text);
    assert!(done.stderr.contains("2 token(s) revealed") && done.stderr.contains("1 damaged or foreign"), "{done:?}");
    assert_eq!(done.ok(), expected);
    assert_eq!(anna.run_with(&["reveal", "--exact"], &evil).ok(), "a\u{1b}]0;b\nc");

    // What can be told is there before the input ends, so that a log can be followed.
    let mut child = anna.command(&["reveal"]).spawn().unwrap();
    let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    stdin.write_all(format!("{}\n{word}\n", anna.password).as_bytes()).unwrap();
    let mut line = vec![0; "Büro – 日本\n".len()];
    stdout.read_exact(&mut line).unwrap();
    assert_eq!(line, "Büro – 日本\n".as_bytes());
    drop(stdin);
    assert!(child.wait().unwrap().success());
}
