//! The test vectors that concern an agent, through a program in C (test-vectors/README.md says what they hold).
//!
//! A line says how many cases passed where all cases of a file went through the C interface. Of token.json that computes
//! indexes alone, and no line is printed for it: agents do not reveal, and none can be made of a MasterKey. That tokens are
//! those of the vectors shows in the agents of the other files. What is sealed at random is opened in programs.rs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};

use aes_gcm_siv::aead::{Aead, KeyInit, Payload};
use blindtally::*;
use data_encoding::HEXLOWER;
use hmac::{Hmac, Mac};
use serde_json::Value;
use sha2::{Digest, Sha256};
use support::{Linked, Program, Runner, Running};

macro_rules! files {
    ($($test:ident $file:literal $check:ident)*) => {
        $(#[test]
        fn $test() {
            check($file, $check);
        })*
    };
}

files! {
    canonical_forms "canonical" canonical_form
    tickets "ticket" ticket
    policies "policy" policy
    deliveries "delivery" delivery
    refused_deliveries "delivery_refused" delivery
    agent_states "agent_state" agent_state
}

#[test]
fn tokens_have_the_indexes_of_the_vectors() {
    let program = Program::of("vectors.c", Linked::Shared, &[]);
    let mut c = C(program.start(Runner::Plain, &[]));
    for group in load("token")["testGroups"].as_array().unwrap() {
        for test in group["tests"].as_array().unwrap() {
            let Some(token) = test["token"].as_str() else { continue };
            let index = c.call("index", &[hex(token.as_bytes())]);
            match (test["index"].as_str(), test["expect"].as_str()) {
                (Some(wanted), _) => assert_eq!(index.unwrap(), wanted),
                (None, Some(code)) if code.starts_with("malformed.") => assert_eq!(index.unwrap_err(), code),
                _ => _ = index.unwrap(),
            }
        }
    }
    c.0.done();
}

#[test]
fn an_agent_makes_key_pairs_of_its_own() {
    let program = Program::of("vectors.c", Linked::Shared, &[]);
    let mut c = C(program.start(Runner::Plain, &[]));
    let owner = support::owner();
    let ticket = owner.issue_ticket(TicketUses::ONE, Lifetime::days(7), support::NOW).unwrap();
    let request = c.call("enroll", &[hex(ticket.to_text().as_bytes()), hex(b"pc"), hex(b""), hex(b"")]).unwrap();
    let request = EnrollmentRequest::from_bytes(&HEXLOWER.decode(request.as_bytes()).unwrap()).unwrap();
    assert_eq!(owner.inspect(&request, support::NOW).unwrap().verified().unwrap().name(), "pc");
    c.0.done();
}

/// The program, which is called by lines.
struct C(Running);

/// What a call gave, or the code of why it failed.
type Answer = Result<String, String>;

impl C {
    fn call(&mut self, name: &str, args: &[String]) -> Answer {
        self.0.send(&format!("{name} {}", args.join(" ")));
        let line = self.0.line();
        let (kind, rest) = line.split_once(' ').unwrap();
        if kind == "ok" { Ok(rest.to_owned()) } else { Err(rest.to_owned()) }
    }

    fn state(&mut self) -> String {
        self.call("export", &[hex(b"")]).unwrap()
    }
}

/// One test with the inputs of its group.
struct Case<'a> {
    group: &'a Value,
    test: &'a Value,
}

impl Case<'_> {
    fn text(&self, name: &str) -> &str {
        self.test[name].as_str().unwrap_or_else(|| panic!("{name} is missing"))
    }

    /// A named output, where the test has it, is what came out.
    fn same(&self, name: &str, got: &str) {
        if self.test.get(name).is_some() {
            assert_eq!(got, self.text(name), "{name}");
        }
    }
}

/// Runs every case of a file, and says how many there are.
fn check(name: &str, check: fn(&Case<'_>, &mut C) -> Result<(), String>) {
    let program = Program::of("vectors.c", Linked::Shared, &[]);
    let mut c = C(program.start(Runner::Plain, &[]));
    let file = load(name);
    let (mut count, mut wrong) = (0, Vec::new());
    for group in file["testGroups"].as_array().unwrap() {
        for test in group["tests"].as_array().unwrap() {
            count += 1;
            let outcome = catch_unwind(AssertUnwindSafe(|| check(&Case { group, test }, &mut c)));
            let outcome = match outcome {
                Ok(Ok(())) => "valid".to_owned(),
                Ok(Err(code)) => code,
                Err(_) => "a failed assertion".to_owned(),
            };
            if outcome != test["expect"].as_str().unwrap_or("valid") {
                wrong.push(format!("{}: {}: {outcome}", test["tcId"], test["comment"]));
            }
        }
    }
    c.0.done();
    assert!(wrong.is_empty(), "{name}.json\n{}", wrong.join("\n"));
    assert_eq!(file["numberOfTests"], count);
    println!("vectors: {name}.json c {count}");
}

/// The agent is one whose policy has the form for one of its classes, and the owner says what it made of the value.
fn canonical_form(case: &Case<'_>, c: &mut C) -> Result<(), String> {
    let (form, class) = match case.group["form"].as_u64() {
        Some(0) => (CanonicalForm::Exact, TokenClass::APP),
        Some(1) => (CanonicalForm::AsciiLowercase, TokenClass::TITLE),
        Some(2) => (CanonicalForm::Host, TokenClass::URL),
        form => panic!("form {form:?}"),
    };
    thread_local!(static ACCOUNT: (Owner, Vec<u8>) = with_forms());
    ACCOUNT.with(|(owner, state)| {
        assert_eq!(owner.policy().policy().canonical_form(class), form);
        c.call("restore", &[hex(state), hex(b"")])?;
        let token = c.call("tokenize", &[class.id().to_string(), hex(case.text("input").as_bytes())])?;
        case.same("output", &owner.reveal(&token.parse().unwrap()).unwrap());
        Ok(())
    })
}

fn with_forms() -> (Owner, Vec<u8>) {
    let (mut owner, mut agent, _) = support::running();
    for (class, form) in [(TokenClass::TITLE, CanonicalForm::AsciiLowercase), (TokenClass::URL, CanonicalForm::Host)] {
        let change = owner.set_canonical_form(class, form, support::NOW).unwrap();
        assert_eq!(agent.apply_policy(change.committed().policy().unwrap()), Ok(Outcome::Updated));
    }
    (owner, agent.save().expose().to_vec())
}

/// What a ticket holds shows in the request that is made with it.
fn ticket(case: &Case<'_>, c: &mut C) -> Result<(), String> {
    let keys = support::device_identity();
    let keys = [keys.encryption_pkcs8().unwrap(), keys.signing_pkcs8().unwrap()].map(|key| hex(key.expose()));
    let [encryption, signing] = keys;
    let request = c.call("enroll", &[hex(case.text("text").as_bytes()), hex(b"name"), encryption, signing])?;
    case.same("accountId", &c.call("account", &[])?);
    case.same("ticketId", &c.call("ticket", &[])?);
    let claim = c.call("claim", &[])?;
    case.same("authKey", &claim);
    let claim = HEXLOWER.decode(claim.as_bytes()).unwrap();
    case.same("authenticatorHash", &hex(&Sha256::digest(claim)));

    // Laid out as SPEC.md#enrollment says, for a device of 2048 bits.
    let request = HEXLOWER.decode(request.as_bytes()).unwrap();
    case.same("fingerprint", &hex(&request[21..53]));
    assert_eq!(request[69..77], case.test["expiry"].as_u64().unwrap().to_be_bytes());
    assert_eq!(request[77..79], (case.test["uses"].as_u64().unwrap() as u16).to_be_bytes());
    let key = |name| HEXLOWER.decode(case.text(name).as_bytes()).unwrap();
    let (part2, rest) = request.split_at(request.len() - 32 - 2 - 256);
    let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(&key("macKey")).unwrap();
    mac.update(part2);
    mac.verify_slice(&rest[..32]).unwrap();
    let (part1, name) = part2.split_at(part2.len() - 2 - 32);
    let cipher = aes_gcm_siv::Aes256GcmSiv::new_from_slice(&key("nameKey")).unwrap();
    let nonce = part1[part1.len() - 12..].try_into().unwrap();
    let padded = cipher.decrypt(&nonce, Payload { msg: &name[2..], aad: part1 }).unwrap();
    assert_eq!(padded, b"name\x80\0\0\0\0\0\0\0\0\0\0\0");
    Ok(())
}

fn policy(case: &Case<'_>, c: &mut C) -> Result<(), String> {
    act(case, c, "policy", case.text("policy"))
}

fn delivery(case: &Case<'_>, c: &mut C) -> Result<(), String> {
    act(case, c, "accept", case.text("delivery"))
}

/// What a message to an agent leads to; a refusal changes nothing.
fn act(case: &Case<'_>, c: &mut C, call: &str, message: &str) -> Result<(), String> {
    c.call("restore", &[case.group["agentState"].as_str().unwrap().to_owned(), hex(b"")]).unwrap();
    let before = c.state();
    let outcome = c.call(call, &[given(message)]).inspect_err(|_| assert_eq!(c.state(), before))?;
    case.same("outcome", if call == "accept" && outcome == "updated" { "accepted" } else { &outcome });
    check_agent(case, c);
    let state = c.state();
    assert_eq!(c.call("restore", &[state, hex(b"")]).unwrap(), "agent");
    check_agent(case, c);
    Ok(())
}

fn agent_state(case: &Case<'_>, c: &mut C) -> Result<(), String> {
    if case.group["type"] == "QueueRecord" {
        return queue_record(case, c);
    }
    let key = given(case.test["wrapKey"].as_str().unwrap_or_default());
    let phase = c.call("restore", &[given(case.text("state")), key.clone()])?;
    case.same("deviceId", &c.call("device", &[]).unwrap());
    if phase == "pending" {
        case.same("phase", "pending");
    } else {
        check_agent(case, c);
    }
    let (plain, again) = (c.state(), c.call("export", std::slice::from_ref(&key)).unwrap());
    if key == hex(b"") {
        case.same("state", &again);
    } else {
        // The nonce is the library's own choice.
        c.call("restore", &[again, key]).unwrap();
        assert_eq!(c.state(), plain);
    }
    Ok(())
}

/// Records of the queue come out as tokens only: one of a record class is none for an agent that dequeues.
fn queue_record(case: &Case<'_>, c: &mut C) -> Result<(), String> {
    c.call("restore", &[case.group["agentState"].as_str().unwrap().to_owned(), hex(b"")]).unwrap();
    let token = c.call("dequeue", &[hex(case.text("record").as_bytes())]);
    if (16..=18).contains(&case.test["class"].as_u64().unwrap_or_default()) {
        assert_eq!(token, Err("record.no-key".to_owned()));
        return Ok(());
    }
    let value = case.test["value"].as_str().unwrap_or_default();
    assert_eq!(token?, c.call("tokenize", &[case.test["class"].to_string(), given(value)]).unwrap());
    Ok(())
}

fn check_agent(case: &Case<'_>, c: &mut C) {
    let status = c.call("status", &[]).unwrap();
    case.same("phase", if status == "needs-upgrade" { "encrypted" } else { &status });
    for given in case.test["tokens"].as_array().into_iter().flatten() {
        let class = given["class"].as_u64().unwrap();
        let call = if RecordClass::from_id(class as u8).is_ok() { "record" } else { "tokenize" };
        let made = c.call(call, &[class.to_string(), hex(given["value"].as_str().unwrap().as_bytes())]);
        let wanted = given.get("expect").or(given.get("token")).unwrap();
        assert_eq!(made.unwrap_or_else(|code| code), *wanted, "class {class}");
    }
}

fn load(name: &str) -> Value {
    let path = format!("{}/../../test-vectors/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    given(&HEXLOWER.encode(bytes))
}

/// An argument, which may be none.
fn given(hex: &str) -> String {
    if hex.is_empty() { "-".to_owned() } else { hex.to_owned() }
}
