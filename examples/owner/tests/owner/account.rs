//! Creating an account, logging in, the password, and how commands fail.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use blindtally::AccountSecret;
use blindtally_client::Failure;

use crate::person::{Done, PASSWORD};
use crate::world::{FAST, World};

#[test]
fn an_account_is_created_and_nothing_secret_is_left_in_the_profile() {
    let world = World::new();
    let person = world.nobody(&world.url, "Anna@Example.com");
    let key_file = world.file("recovery.key");
    let created = person
        .run(&[
            "--json",
            "create",
            "--server",
            &world.url,
            "--login",
            "Anna@Example.com",
            "--kdf",
            FAST,
            "--recovery-key-file",
            key_file.to_str().unwrap(),
        ])
        .json();
    assert_eq!(created["login"], "anna@example.com");
    assert!(created["recovery_key"].is_null());
    let key = std::fs::read_to_string(&key_file).unwrap();
    assert_eq!(mode(&key_file), 0o600);
    assert!(Path::new(created["backup_file"].as_str().unwrap()).starts_with(&person.profile));

    assert_eq!(mode(&person.profile), 0o700);
    for entry in std::fs::read_dir(&person.profile).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{path:?}");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains(PASSWORD) && !text.contains(key.trim()), "{path:?}");
    }
    assert!(!contains(&world.database(), PASSWORD.as_bytes()));
    person.run(&["create", "--server", &world.url, "--login", "x", "--kdf", FAST]).failed(1, "profile.exists");
    let other = world.nobody(&world.url, "anna@example.com");
    let again = other.run(&["create", "--server", &world.url, "--login", "anna@example.com", "--kdf", FAST]);
    assert!(again.stderr.contains("(account.exists)"), "{again:?}");
    assert_eq!(again.code, Some(1));
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

#[test]
fn commands_fail_with_the_code_and_the_exit_code_of_the_reason() {
    let mut world = World::new();
    let anna = world.person("anna");
    let wrong = crate::person::Person { password: "wrong".to_owned(), ..anna.clone() };
    wrong.run(&["devices"]).failed(1, "login.refused");
    let json = wrong.run(&["--json", "devices"]);
    assert_eq!(json.code, Some(1));
    assert_eq!(serde_json::from_str::<serde_json::Value>(&json.stdout).unwrap()["error"]["code"], "login.refused");

    let unknown = world.nobody(&world.url, "nobody");
    unknown.run(&["devices"]).failed(1, "profile.none");
    unknown.run(&["login", "--server", &world.url, "--login", "nobody"]).failed(1, "login.refused");
    let weak = unknown.run(&["create", "--server", &world.url, "--login", "x", "--kdf", "pbkdf2:1000"]);
    assert!(weak.stderr.contains("(kdf.below-floor)"), "{weak:?}");

    for usage in [&["frobnicate"][..], &["ticket", "--uses", "51"], &["revoke"], &["report", "--from", "yesterday"]] {
        assert_eq!(anna.run(usage).code, Some(2), "{usage:?}");
    }
    anna.run(&["ticket", "--days", "31"]).failed(1, "ticket.lifetime");
    anna.run(&["report", "--from", "2026-11-02", "--to", "2026-11-01"]).failed(2, "usage");
    world.stop_service();
    anna.run(&["devices"]).failed(3, "service.unreachable");
    let json = anna.run(&["--json", "devices"]);
    assert_eq!(json.code, Some(3));
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&json.stdout).unwrap()["error"]["code"],
        "service.unreachable"
    );
}

#[test]
fn a_vault_that_is_older_than_one_seen_is_refused_with_words_that_help() {
    let world = World::new();
    let anna = world.person("anna");
    let file = anna.profile.join("profile.json");
    let seen = std::fs::read_to_string(&file).unwrap().replace("\"generation\": 1", "\"generation\": 7");
    std::fs::write(&file, &seen).unwrap();
    let done = anna.run(&["devices"]);
    done.failed(1, "unlock.rolled-back");
    assert!(done.stderr.contains("generation 7") && done.stderr.contains("restore"), "{done:?}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), seen);
}

#[test]
fn an_account_secret_is_asked_for_where_the_person_said_there_is_one() {
    let world = World::new();
    let anna = world.nobody(&world.url, "anna");
    let create = ["--json", "create", "--server", &world.url, "--login", "anna", "--kdf", FAST, "--account-secret"];
    let created = anna.run(&create).json();
    let secret = created["account_secret"].as_str().unwrap().to_owned();
    let with_secret = ["--account-secret-fd", "0", "devices"];
    anna.run_with(&with_secret, &format!("{}\n", secret.to_lowercase())).ok();
    let other = AccountSecret::generate().unwrap().to_text();
    anna.run_with(&with_secret, &format!("{}\n", *other)).failed(1, "login.refused");
    anna.run_with(&with_secret, "mistyped\n").failed(1, "recovery-key.invalid");

    let elsewhere = world.nobody(&world.url, "anna");
    let login = ["login", "--server", &world.url, "--login", "anna"];
    elsewhere.run(&login).failed(1, "login.refused");
    let login = [&["--account-secret-fd", "0"][..], &login, &["--account-secret"]].concat();
    elsewhere.run_with(&login, &format!("{secret}\n")).ok();
    assert!(
        std::fs::read_to_string(elsewhere.profile.join("profile.json")).unwrap().contains("\"account_secret\": true")
    );
    assert!(!std::fs::read_to_string(elsewhere.profile.join("profile.json")).unwrap().contains(&secret));
}

#[test]
fn a_new_password_ends_every_other_session_and_the_old_one_is_worth_nothing() {
    let world = World::new();
    let mut anna = world.person("anna");
    let (page, _) = anna.open(None);
    assert!(page.get("/api/v1/vault").is_ok());
    anna.run_with(&["passwd"], "a new one\n").ok();
    let ended = page.get("/api/v1/vault").map(drop).unwrap_err();
    assert_eq!(ended, Failure::refused("auth.refused", "the bearer is unknown or has expired"));
    anna.run(&["devices"]).failed(1, "login.refused");
    anna.password = "a new one".to_owned();
    anna.run(&["devices"]).ok();
    assert!(!contains(&world.database(), b"a new one"));
}

#[test]
fn the_password_may_come_from_any_descriptor_and_shows_nowhere() {
    let world = World::new();
    let anna = world.person("anna");
    let file = world.file("password");
    std::fs::write(&file, format!("{PASSWORD}\r\n")).unwrap();
    let script = "exec \"$0\" --profile \"$1\" --password-fd 3 devices 3<\"$2\"";
    let program = env!("CARGO_BIN_EXE_blindtally-owner");
    let run = std::process::Command::new("sh").args(["-c", script, program]).arg(&anna.profile).arg(&file).output();
    Done::from(run.unwrap()).ok();
    // Without a terminal there is nobody to ask.
    let mut command = std::process::Command::new("setsid");
    command.arg(program).arg("--profile").arg(&anna.profile).arg("devices").stdin(Stdio::null());
    Done::from(command.output().unwrap()).failed(1, "password.unreadable");

    let mut watching = anna.start(&["confirm", "--watch"], "");
    let waiting = std::io::BufRead::lines(std::io::BufReader::new(watching.stderr.take().unwrap())).next();
    assert!(waiting.unwrap().unwrap().contains("waiting for devices"));
    for about in ["cmdline", "environ"] {
        let shown = std::fs::read(format!("/proc/{}/{about}", watching.id())).unwrap();
        assert!(!shown.is_empty() && !contains(&shown, PASSWORD.as_bytes()));
    }
    watching.kill().unwrap();
    watching.wait().unwrap();
}
