//! Restoring an account whose password is lost.

use std::time::Duration;

use blindtally_server::Rate;
use serde_json::{Value, json};

use crate::api::{Account, GET, POST, RECOVERY_PROOF, b64, random, random_id, sign_up_body};
use crate::database::{Database, on_both_databases};

fn restore_body(account: &Account, login: &str, new_proof: &[u8; 32]) -> Value {
    json!({
        "account_id": account.account_id,
        "recovery_proof": b64(&RECOVERY_PROOF),
        "login": login,
        "kdf": {"id": "pbkdf2-sha256", "iterations": 2_000_000},
        "salt": b64(&[8; 16]),
        "login_proof": b64(new_proof),
        "vault": b64(b"restored vault"),
        "generation": 5,
        "expected_generation": 1,
    })
}

fn head_body(account_id: &str, proof: &[u8; 32]) -> Value {
    json!({"account_id": account_id, "recovery_proof": b64(proof)})
}

async fn a_recovery_proof_replaces_login_password_and_vault(database: Database) {
    let service = database.start().await;
    let mut account = service.sign_up("ada").await;
    service.sign_up("bob").await;
    let head =
        service.call(POST, "/api/v1/restore/head").json(head_body(&account.account_id, &RECOVERY_PROOF)).await.ok(200);
    assert_eq!(head, json!({"generation": 1, "policy": b64(b"first policy")}));

    // Whatever is wrong, nothing changes.
    let new_proof = random();
    let good = restore_body(&account, "ada.again", &new_proof);
    for (field, value, status, code) in [
        ("recovery_proof", json!(b64(&[0; 32])), 401, "restore.refused"),
        ("account_id", json!(random_id()), 401, "restore.refused"),
        ("expected_generation", json!(0), 412, "vault.conflict"),
        ("generation", json!(1), 400, "vault.generation"),
        ("login", json!("bob"), 409, "account.exists"),
        ("login", json!(""), 400, "request.malformed"),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let answer = service.call(POST, "/api/v1/restore").json(body).await;
        answer.refused(status, code);
    }
    let login = service.login("ada", &account.proof).await.ok(200);
    assert_eq!(login["vault"], b64(b"first vault"));

    let answer = service.call(POST, "/api/v1/restore").json(good.clone()).await.ok(200);
    let old = account.call(GET, "/api/v1/vault").send().await;
    old.refused(401, "auth.refused");
    account.session = answer["session"].as_str().unwrap().to_owned();
    assert_eq!(account.call(GET, "/api/v1/vault").send().await.body, b"restored vault");
    let old = service.login("ada", &account.proof).await;
    old.refused(401, "login.refused");
    let login = service.login("ada.again", &new_proof).await.ok(200);
    assert_eq!(login["generation"], 5);
    let again = service.call(POST, "/api/v1/restore").json(good).await;
    assert_eq!(again.refused(412, "vault.conflict")["generation"], 5);
}

async fn an_account_that_left_no_recovery_proof_is_not_restored(database: Database) {
    let service = database.start().await;
    let account_id = random_id();
    let mut body = sign_up_body("ada", &account_id, &random());
    body.as_object_mut().unwrap().remove("recovery_proof");
    service.call(POST, "/api/v1/accounts").json(body).await.ok(201);
    for proof in [RECOVERY_PROOF, [0; 32]] {
        service
            .call(POST, "/api/v1/restore/head")
            .json(head_body(&account_id, &proof))
            .await
            .refused(401, "restore.refused");
    }
}

async fn attempts_to_restore_are_limited_like_logins_but_apart_from_them(database: Database) {
    let service = database.start_with(|config| config.limits.login = Rate::new(2, Duration::from_secs(600))).await;
    let account = service.sign_up("ada").await;
    let ask = async |proof: &[u8; 32]| {
        let body = head_body(&account.account_id, proof);
        service.call(POST, "/api/v1/restore/head").json(body).await
    };
    for _ in 0..2 {
        ask(&[0; 32]).await.refused(401, "restore.refused");
    }
    let answer = ask(&RECOVERY_PROOF).await;
    assert!(answer.headers.contains_key("retry-after"));
    answer.refused(429, "login.rate-limited");
    service.login("ada", &account.proof).await.ok(200);
}

async fn an_owner_reads_back_the_policy(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let answer = account.call(GET, "/api/v1/policy").send().await;
    assert_eq!((answer.status, &answer.body[..]), (200, &b"first policy"[..]));
    service.call(GET, "/api/v1/policy").send().await.refused(401, "auth.missing");
}

on_both_databases![
    a_recovery_proof_replaces_login_password_and_vault,
    an_account_that_left_no_recovery_proof_is_not_restored,
    attempts_to_restore_are_limited_like_logins_but_apart_from_them,
    an_owner_reads_back_the_policy,
];
