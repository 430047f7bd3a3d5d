//! The vault and its generation.

use crate::api::{Account, Answer, GET, PUT};
use crate::database::{Database, on_both_databases};

async fn put(account: &Account, expected: &str, generation: &str, vault: impl Into<reqwest::Body>) -> Answer {
    account
        .call(PUT, "/api/v1/vault")
        .header("if-match", expected)
        .header("x-vault-generation", generation)
        .bytes(vault)
        .await
}

async fn a_vault_comes_with_its_generation(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    put(&account, "\"1\"", "5", "second").await.ok(204);
    let answer = account.call(GET, "/api/v1/vault").send().await;
    assert_eq!(answer.headers["etag"], "\"5\"");
    assert_eq!(answer.headers["content-type"], "application/octet-stream");
    assert_eq!(answer.body, b"second");
}

/// SPEC.md#generation
async fn a_vault_is_never_overwritten_blindly(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let call = account.call(PUT, "/api/v1/vault").header("x-vault-generation", "2");
    call.bytes("x").await.refused(428, "vault.precondition");
    for expected in ["1", "*", "\"\"", "W/\"1\"", "\"1\", \"2\"", "\"-\"", "\"99999999999999999999\""] {
        put(&account, expected, "2", "x").await.refused(400, "request.malformed");
    }
    let call = account.call(PUT, "/api/v1/vault").header("if-match", "\"1\"");
    call.bytes("x").await.refused(400, "request.malformed");
    put(&account, "\"1\"", "9223372036854775808", "x").await.refused(400, "request.malformed");
    for generation in ["1", "0", "-1"] {
        put(&account, "\"1\"", generation, "x").await.refused(400, "vault.generation");
    }
    let problem = put(&account, "\"0\"", "2", "x").await.refused(412, "vault.conflict");
    assert_eq!(problem["generation"], 1);
    assert_eq!(account.call(GET, "/api/v1/vault").send().await.body, b"first vault");
    put(&account, "\"1\"", "9223372036854775807", "x").await.ok(204);
}

async fn of_many_clients_with_one_expectation_one_wins(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let attempts: Vec<_> = (0..8)
        .map(|client| {
            let call = account
                .call(PUT, "/api/v1/vault")
                .header("if-match", "\"1\"")
                .header("x-vault-generation", &(2 + client).to_string());
            tokio::spawn(call.bytes(vec![client as u8]))
        })
        .collect();
    let mut won = Vec::new();
    for (client, attempt) in attempts.into_iter().enumerate() {
        let answer = attempt.await.unwrap();
        match answer.status {
            204 => won.push(client as u8),
            _ => {
                answer.refused(412, "vault.conflict");
            }
        }
    }
    assert_eq!(won.len(), 1);
    assert_eq!(account.call(GET, "/api/v1/vault").send().await.body, won);
}

async fn a_vault_has_at_most_8_mib(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let largest = 8 * 1024 * 1024;
    put(&account, "\"1\"", "2", vec![1; largest]).await.ok(204);
    put(&account, "\"2\"", "3", vec![1; largest + 1]).await.refused(413, "request.too-large");
    assert_eq!(account.call(GET, "/api/v1/vault").send().await.body.len(), largest);
    // It also fits the JSON that carries it at login.
    service.login("ada", &account.proof).await.ok(200);
}

on_both_databases![
    a_vault_comes_with_its_generation,
    a_vault_is_never_overwritten_blindly,
    of_many_clients_with_one_expectation_one_wins,
    a_vault_has_at_most_8_mib,
];
