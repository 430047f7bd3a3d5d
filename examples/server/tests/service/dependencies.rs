//! The service can read nothing because it has nothing to read with: no key code in the program.

use std::process::Command;

#[test]
fn no_crate_that_opens_anything_is_part_of_the_service() {
    let tree = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--offline",
            "-p",
            "blindtally-server",
            "-e",
            "normal",
            "--prefix",
            "none",
        ])
        .args(["--format", "{p}"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(
        tree.status.success(),
        "{}",
        String::from_utf8_lossy(&tree.stderr)
    );
    let tree = String::from_utf8(tree.stdout).unwrap();
    let crates: Vec<&str> = tree
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert!(crates.contains(&"blindtally-server") && crates.contains(&"axum"));
    for forbidden in [
        "blindtally",
        "rsa",
        "aes",
        "aes-gcm",
        "aes-gcm-siv",
        "polyval",
        "cobblestone",
    ] {
        assert!(
            !crates.contains(&forbidden),
            "{forbidden} is part of the service"
        );
    }
}
