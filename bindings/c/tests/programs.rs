//! Programs in C and C++ run an agent's life against an owner, plainly, under valgrind, and with the sanitizers of the
//! compiler; so does the example of the README.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::collections::BTreeMap;

use blindtally::*;
use data_encoding::HEXLOWER;
use support::{Linked, Program, Runner};

#[test]
fn the_header_is_c99_and_cpp11() {
    for (compiler, standard) in [("cc", "-std=c99"), ("c++", "-std=c++11"), ("c++", "-std=c++20")] {
        support::compile(compiler, &[standard, "-fsyntax-only"], "header-alone", "#include \"blindtally.h\"\n");
    }
}

#[test]
fn an_agent_in_c_lives_with_the_shared_library() {
    live(&Program::of("agent.c", Linked::Shared, &[]), Runner::Plain);
}

#[test]
fn an_agent_in_c_lives_with_the_static_library() {
    live(&Program::of("agent.c", Linked::Static, &[]), Runner::Plain);
}

#[test]
fn an_agent_in_c_leaks_nothing_and_touches_nothing_else_says_valgrind() {
    live(&Program::of("agent.c", Linked::Shared, &[]), Runner::Valgrind);
}

#[test]
fn an_agent_in_c_leaks_nothing_and_touches_nothing_else_say_the_sanitizers() {
    live(
        &Program::of("agent.c", Linked::Shared, &["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]),
        Runner::Plain,
    );
}

#[test]
fn an_agent_in_cpp_lives_with_the_shared_library() {
    live_briefly(&Program::of("agent.cpp", Linked::Shared, &[]), Runner::Plain);
}

#[test]
fn an_agent_in_cpp_lives_with_the_static_library() {
    live_briefly(&Program::of("agent.cpp", Linked::Static, &[]), Runner::Plain);
}

#[test]
fn an_agent_in_cpp_leaks_nothing_says_valgrind() {
    live_briefly(&Program::of("agent.cpp", Linked::Shared, &[]), Runner::Valgrind);
}

#[test]
fn an_agent_in_cpp_leaks_nothing_say_the_sanitizers() {
    let flags = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
    live_briefly(&Program::of("agent.cpp", Linked::Shared, &flags), Runner::Plain);
}

#[test]
fn the_example_of_the_readme_runs() {
    let readme = include_str!("../README.md");
    let example = readme.split("```c\n").nth(1).and_then(|rest| rest.split("```").next()).expect("an example in C");
    let program = Program::of_text("readme", example, Linked::Shared);
    let (_, agent, _) = support::running();
    let state = std::env::temp_dir().join(format!("blindtally-readme-{}.state", std::process::id()));
    std::fs::write(&state, agent.save().expose()).unwrap();
    let mut running = program.start(Runner::Plain, &[state.to_str().unwrap()]);
    let token = running.line();
    running.done();
    std::fs::remove_file(&state).unwrap();
    assert_eq!(token, agent.tokenize(TokenClass::APP, "winword.exe").unwrap().to_string());
}

/// The owner's part of agent.c.
fn live(program: &Program, runner: Runner) {
    let mut owner = support::owner();
    let mut agent = program.start(runner, &[]);

    let mut codes = BTreeMap::new();
    let core = Error::all_codes();
    while codes.len() < core.len() + 6 {
        let line = agent.value("code");
        let (code, message) = line.split_once('\t').unwrap();
        codes.insert(code.to_owned(), message.to_owned());
    }
    for (code, message) in &core {
        assert_eq!(codes.remove(*code).as_deref(), Some(*message), "{code}");
    }
    let own: Vec<&str> = codes.keys().map(String::as_str).collect();
    assert_eq!(own, ["c.buffer", "c.closed", "c.internal", "c.null", "c.utf8", "c.value"]);

    let ticket = owner.issue_ticket(TicketUses::ONE, Lifetime::days(7), support::NOW).unwrap();
    let identity = support::device_identity();
    agent.send(&ticket.to_text());
    agent.send(&owner.account_code().to_text());
    agent.send_hex(identity.encryption_pkcs8().unwrap().expose());
    agent.send_hex(identity.signing_pkcs8().unwrap().expose());

    let comparison = EnrollmentRequest::from_bytes(&agent.hex("comparison")).unwrap();
    let device = identity.public().fingerprint().device_id(owner.account()).to_string();
    assert_eq!(comparison.device_id().to_string(), device);
    assert!(matches!(owner.inspect(&comparison, support::NOW), Ok(Inspection::NeedsComparison(_))));

    assert_eq!(agent.value("device"), device);
    assert_eq!(agent.value("account"), owner.account().to_string());
    assert_eq!(agent.value("ticket"), ticket.id().to_string());
    assert_eq!(agent.value("shown"), identity.public().fingerprint().code());
    let claim = agent.hex("claim");

    let request = EnrollmentRequest::from_bytes(&agent.hex("request")).unwrap();
    let verified = owner.inspect(&request, support::NOW).unwrap().verified().unwrap();
    assert_eq!(verified.name(), "pc of Anna");
    let id = verified.device_id();
    agent.send_hex(owner.approve(verified, support::NOW).unwrap().committed().delivery());

    assert_eq!(agent.value("device"), device);
    assert_eq!(agent.value("account"), owner.account().to_string());
    assert_eq!(agent.value("ticket"), ticket.id().to_string());
    assert_eq!(agent.hex("claim"), claim);

    let token: Token = agent.value("token").parse().unwrap();
    assert_eq!(owner.reveal(&token).unwrap(), "winword.exe");
    assert_eq!(agent.value("index"), token.index().to_string());
    let record = Record::parse(&agent.value("record")).unwrap();
    assert_eq!((record.seq(), &**owner.open_record(&record).unwrap()), (1_790_000_000_123, "typed words"));
    let content: Vec<u8> = (0..50_000).map(|i| (i * 31) as u8).collect();
    assert!(**owner.open_blob(&agent.hex("blob")).unwrap() == content);
    assert_eq!(agent.line(), "pieces");
    let mut blob = Vec::new();
    loop {
        let line = agent.line();
        let Some(piece) = line.strip_prefix("piece ") else { break };
        blob.extend(HEXLOWER.decode(piece.as_bytes()).unwrap());
    }
    assert!(**owner.open_blob(&blob).unwrap() == content);

    let form = CanonicalForm::AsciiLowercase;
    let change = owner.set_canonical_form(TokenClass::DOCUMENT, form, support::NOW).unwrap();
    agent.send_hex(change.committed().policy().unwrap());
    let change = owner.revoke(id, AfterRevoking::KeepEpoch, support::NOW).unwrap();
    agent.send_hex(change.committed().policy().unwrap());
    assert_eq!(agent.line(), "done");
    agent.done();
}

/// The owner's part of agent.cpp.
fn live_briefly(program: &Program, runner: Runner) {
    let (owner, agent, pending) = support::running();
    let mut running = program.start(runner, &[]);
    running.send_hex(pending.save().expose());
    running.send_hex(agent.save().expose());
    assert_eq!(running.value("device"), agent.device_id().to_string());
    for value in ["winword.exe", "excel.exe", "straße.exe"] {
        assert_eq!(running.value("token"), agent.tokenize(TokenClass::APP, value).unwrap().to_string());
    }
    let record = Record::parse(&running.value("record")).unwrap();
    assert_eq!(&**owner.open_record(&record).unwrap(), "typed words");
    assert_eq!(&**owner.open_blob(&running.hex("blob")).unwrap(), b"a picture");
    assert_eq!(running.line(), "done");
    running.done();
}
