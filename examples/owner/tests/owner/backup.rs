//! Backups, and what they are for.

use blindtally::TokenClass;

use crate::device::{Waiting, first_keys, second_keys};
use crate::person::Person;
use crate::world::{FAST, World};

#[test]
fn a_backup_reads_without_the_service_and_only_with_what_opens_it() {
    let mut world = World::new();
    let anna = world.person("anna");
    let waiting = Waiting::with_ticket(&world.url, &anna.ticket(), "laptop", first_keys());
    anna.run(&["confirm"]).ok();
    let token = waiting.accept().agent.tokenize(TokenClass::TITLE, "Budget 2027").unwrap().to_string();
    let (file, other) = (world.file("backup.txt"), world.file("other.txt"));
    let (file, other) = (file.to_str().unwrap(), other.to_str().unwrap());
    anna.run_with(&["backup", file], "kept in a drawer\n").ok();
    anna.run_with(&["backup", file], "kept in a drawer\n").ok();
    let key = anna.json(&["backup", other, "--recovery-key"])["recovery_key"].as_str().unwrap().to_owned();
    std::fs::write(world.file("letter.txt"), "dear diary").unwrap();
    let letter = world.file("letter.txt");
    anna.run_with(&["backup", letter.to_str().unwrap()], "x\n").failed(1, "backup.exists");
    world.person("eve").run_with(&["backup", file], "x\n").failed(1, "backup.exists");
    world.stop_service();

    let reader = |secret: &str| Person { password: secret.to_owned(), ..world.nobody("http://127.0.0.1:1", "x") };
    let text = format!("{token} and {token}");
    let revealed = reader("kept in a drawer").run_with(&["reveal", "--backup", file], &text);
    assert_eq!(revealed.ok(), "Budget 2027 and Budget 2027");
    assert_eq!(
        reader(&key.to_lowercase()).run_with(&["reveal", "--backup", other], &text).ok(),
        "Budget 2027 and Budget 2027"
    );
    reader("wrong").run_with(&["reveal", "--backup", file], &text).failed(1, "unlock.wrong");
    reader("wrong").run_with(&["reveal", "--backup", other], &text).failed(1, "recovery-key.invalid");
    reader("x").run_with(&["reveal", "--backup", letter.to_str().unwrap()], &text).failed(1, "malformed.magic");
}

#[test]
fn a_lost_password_is_replaced_from_an_old_backup_even_after_a_rotation() {
    let world = World::new();
    let anna = world.person("anna");
    let waiting = Waiting::with_ticket(&world.url, &anna.ticket(), "laptop", first_keys());
    anna.run(&["confirm"]).ok();
    let mut device = waiting.accept();
    device.uses(60, &[(TokenClass::APP, "winword.exe")]);
    let file = world.file("backup.txt");
    let file = file.to_str().unwrap();
    anna.run_with(&["backup", file], "kept in a drawer\n").ok();
    anna.run(&["rotate"]).ok();
    device.sync();
    device.uses(30, &[(TokenClass::APP, "winword.exe")]);
    let later = Waiting::with_ticket(&world.url, &anna.ticket(), "later", second_keys());
    anna.run(&["confirm"]).ok();

    let mut after = Person { password: "kept in a drawer".to_owned(), ..world.nobody(&world.url, "anna.again") };
    let restore = ["--json", "restore", file, "--server", &world.url, "--login", "anna.again", "--kdf", FAST];
    let restored = after.run_with(&restore, "a new one\n").json();
    assert_eq!(restored["epoch"], 3);
    assert_eq!(restored["unknown_devices"], serde_json::json!([later.id()]));
    anna.run(&["devices"]).failed(1, "profile.other-account");
    after.password = "a new one".to_owned();
    device.sync();
    assert_eq!(device.agent.policy().epoch().get(), 3);
    device.uses(10, &[(TokenClass::APP, "winword.exe")]);
    // The keys of the epoch that the backup does not know are gone; everything else is one row.
    let report = after.report("app");
    assert_eq!(report[0], ("winword.exe".to_owned(), 70.0, 2));
    assert_eq!((report[1].1, report[1].2), (30.0, 1));
    assert!(report[1].0.starts_with("bt1_"));

    let wrong = Person { password: "wrong".to_owned(), ..world.nobody(&world.url, "anna") };
    wrong.run_with(&restore[1..], "x\n").failed(1, "unlock.wrong");
    let other = World::new();
    let elsewhere = Person { password: "kept in a drawer".to_owned(), ..other.nobody(&other.url, "anna") };
    let restore = ["restore", file, "--server", &other.url, "--login", "anna", "--kdf", FAST];
    elsewhere.run_with(&restore, "x\n").failed(1, "restore.refused");
}

#[test]
fn the_first_backup_opens_with_the_recovery_key_of_the_account() {
    let world = World::new();
    let anna = world.nobody(&world.url, "anna");
    let created = anna.run(&["--json", "create", "--server", &world.url, "--login", "anna", "--kdf", FAST]).json();
    let after =
        Person { password: created["recovery_key"].as_str().unwrap().to_owned(), ..world.nobody(&world.url, "anna") };
    let file = created["backup_file"].as_str().unwrap();
    let restore = ["restore", file, "--server", &world.url, "--login", "anna", "--kdf", FAST];
    after.run_with(&restore, "a new one\n").ok();
    let after = Person { password: "a new one".to_owned(), ..after };
    assert_eq!(after.json(&["login"])["account_id"], created["account_id"]);
    // The computer that knew the account goes on with the new password.
    anna.run(&["devices"]).failed(1, "login.refused");
    Person { password: "a new one".to_owned(), ..anna }.run(&["devices"]).ok();
}
