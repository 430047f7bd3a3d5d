//! Tickets, claims, deliveries, the policy, revocation.

use serde_json::{Value, json};

use crate::api::{DELETE, FUTURE_US, GET, POST, PUT, b64, event, random, random_id, sha256};
use crate::database::{Database, on_both_databases};

async fn a_ticket_gives_a_device_its_bearer(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let device = account.device().await;
    let devices = account.get("/api/v1/devices").await;
    assert_eq!(devices["devices"][0]["device_id"], device.device_id);
    assert_eq!(devices["devices"][0]["status"], "claimed");
    // Timing may come before the owner has sent any key.
    device.upload_events([event(1, "x")]).await;
    assert_eq!(
        account.get("/api/v1/devices").await["devices"][0]["events"],
        1
    );
}

async fn a_ticket_is_announced_once(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let good = json!({
        "ticket_id": random_id(),
        "authenticator_hash": b64(&[1; 32]),
        "expires_at_us": FUTURE_US,
        "uses": 2,
    });
    account
        .call(POST, "/api/v1/tickets")
        .json(good.clone())
        .await
        .ok(201);
    account
        .call(POST, "/api/v1/tickets")
        .json(good.clone())
        .await
        .ok(201);
    for (field, value) in [
        ("authenticator_hash", json!(b64(&[2; 32]))),
        ("expires_at_us", json!(FUTURE_US + 1)),
        ("uses", json!(3)),
    ] {
        let mut body = good.clone();
        body[field] = value;
        account
            .call(POST, "/api/v1/tickets")
            .json(body)
            .await
            .refused(409, "ticket.exists");
    }
    for (field, value) in [
        ("uses", json!(0)),
        ("uses", json!(51)),
        ("expires_at_us", json!(1)),
        ("uses", json!(-1)),
    ] {
        let mut body = good.clone();
        body["ticket_id"] = json!(random_id());
        body[field] = value;
        account
            .call(POST, "/api/v1/tickets")
            .json(body)
            .await
            .refused(400, "ticket.invalid");
    }
}

async fn a_ticket_serves_as_many_devices_as_it_says(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let (ticket_id, authenticator) = account.ticket(2).await;
    let [first, second, third] = [random_id(), random_id(), random_id()];
    account
        .claim(&first, &ticket_id, &[0; 32])
        .await
        .refused(401, "claim.refused");
    let old = account
        .claim(&first, &ticket_id, &authenticator)
        .await
        .ok(200);
    account
        .claim(&second, &ticket_id, &authenticator)
        .await
        .ok(200);
    account
        .claim(&third, &ticket_id, &authenticator)
        .await
        .refused(401, "claim.refused");
    // The same device again is no further use; its old bearer ends.
    let new = account
        .claim(&first, &ticket_id, &authenticator)
        .await
        .ok(200);
    let head = async |bearer: &Value| {
        let bearer = bearer["bearer"].as_str().unwrap().to_owned();
        service
            .call(GET, "/api/v1/events/head")
            .bearer(&bearer)
            .send()
            .await
    };
    head(&old).await.refused(401, "auth.refused");
    head(&new).await.ok(200);
}

async fn the_last_use_of_a_ticket_goes_to_one_device(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let (ticket_id, authenticator) = account.ticket(1).await;
    let attempts: Vec<_> = (0..8)
        .map(|_| {
            let body = json!({
                "account_id": account.account_id,
                "device_id": random_id(),
                "ticket_id": ticket_id,
                "authenticator": b64(&authenticator),
            });
            tokio::spawn(service.call(POST, "/api/v1/devices/claim").json(body))
        })
        .collect();
    let mut granted = 0;
    for attempt in attempts {
        let answer = attempt.await.unwrap();
        match answer.status {
            200 => granted += 1,
            _ => {
                answer.refused(401, "claim.refused");
            }
        }
    }
    assert_eq!(granted, 1);
    assert_eq!(
        account.get("/api/v1/devices").await["devices"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

async fn a_ticket_is_good_for_its_own_account_until_it_ends(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let other = service.sign_up("eve").await;
    let (ticket_id, authenticator) = account.ticket(5).await;
    let device_id = random_id();
    other
        .claim(&device_id, &ticket_id, &authenticator)
        .await
        .refused(401, "claim.refused");
    // Nobody cancels another's ticket.
    let path = format!("/api/v1/tickets/{ticket_id}");
    other.call(DELETE, &path).send().await.ok(204);
    account
        .claim(&device_id, &ticket_id, &authenticator)
        .await
        .ok(200);
    account.call(DELETE, &path).send().await.ok(204);
    account.call(DELETE, &path).send().await.ok(204);
    account
        .claim(&device_id, &ticket_id, &authenticator)
        .await
        .refused(401, "claim.refused");
    let path = "/api/v1/tickets/not-an-id";
    account
        .call(DELETE, path)
        .send()
        .await
        .refused(400, "request.malformed");
}

async fn an_expired_ticket_is_refused(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let (ticket_id, authenticator) = account.ticket(5).await;
    let mut connection = database.connect().await;
    sqlx::query("UPDATE tickets SET expires_us = 1")
        .execute(&mut connection)
        .await
        .unwrap();
    let answer = account
        .claim(&random_id(), &ticket_id, &authenticator)
        .await;
    answer.refused(401, "claim.refused");
}

async fn without_a_ticket_the_owner_approves_first(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let (device_id, claim): (String, [u8; 32]) = (random_id(), random());
    let ask = async |account_id: &str, claim: &[u8; 32]| {
        let body = json!({"account_id": account_id, "device_id": device_id, "claim": b64(claim)});
        service.call(POST, "/api/v1/devices/claim").json(body).await
    };
    let request = json!({
        "account_id": account.account_id,
        "device_id": device_id,
        "request": b64(b"request"),
        "claim_hash": b64(&sha256(&claim)),
    });
    service
        .call(POST, "/api/v1/enrollments")
        .json(request)
        .await
        .ok(202);
    ask(&account.account_id, &claim)
        .await
        .refused(401, "claim.refused");
    let path = format!("/api/v1/devices/{device_id}/delivery");
    account.call(PUT, &path).bytes("delivery").await.ok(204);
    ask(&account.account_id, &[0; 32])
        .await
        .refused(401, "claim.refused");
    ask(&random_id(), &claim)
        .await
        .refused(401, "claim.refused");
    let answer = ask(&account.account_id, &claim).await.ok(200);
    // A later delivery without an enrollment leaves the claim as it was.
    account.call(PUT, &path).bytes("another").await.ok(204);
    let again = ask(&account.account_id, &claim).await.ok(200);
    assert_ne!(answer, again);
    let bearer = again["bearer"].as_str().unwrap();
    let delivery = service
        .call(GET, "/api/v1/device/delivery")
        .bearer(bearer)
        .send()
        .await;
    assert_eq!(delivery.body, b"another");
}

async fn a_claim_is_one_kind_or_the_other(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let secret = b64(&[0; 32]);
    for extra in [
        json!({}),
        json!({"ticket_id": random_id()}),
        json!({"authenticator": secret}),
        json!({"ticket_id": random_id(), "authenticator": secret, "claim": secret}),
    ] {
        let mut body = json!({"account_id": account.account_id, "device_id": random_id()});
        body.as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        let answer = service.call(POST, "/api/v1/devices/claim").json(body).await;
        answer.refused(400, "request.malformed");
    }
}

async fn a_delivery_reaches_its_device_alone(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let (device, other) = (account.device().await, account.device().await);
    device
        .call(GET, "/api/v1/device/delivery")
        .send()
        .await
        .refused(404, "delivery.none");
    let path = format!("/api/v1/devices/{}/delivery", device.device_id);
    account
        .call(PUT, &path)
        .bytes(vec![1; 256 * 1024 + 1])
        .await
        .refused(413, "request.too-large");
    account.call(PUT, &path).bytes("one").await.ok(204);
    account
        .call(PUT, &path)
        .bytes(vec![2; 256 * 1024])
        .await
        .ok(204);
    let answer = device.call(GET, "/api/v1/device/delivery").send().await;
    assert_eq!(answer.body, vec![2; 256 * 1024]);
    other
        .call(GET, "/api/v1/device/delivery")
        .send()
        .await
        .refused(404, "delivery.none");
    let devices = account.get("/api/v1/devices").await;
    assert_eq!(devices["devices"][0]["status"], "active");
    assert_eq!(devices["devices"][1]["status"], "claimed");
    // Another account's device of the same id is another device.
    let eve = service.sign_up("eve").await;
    eve.call(PUT, &path).bytes("evil").await.ok(204);
    assert_eq!(
        device
            .call(GET, "/api/v1/device/delivery")
            .send()
            .await
            .body
            .len(),
        256 * 1024
    );
}

async fn a_revoked_device_may_read_the_policy_and_nothing_else(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let (ticket_id, authenticator) = account.ticket(1).await;
    let device_id = random_id();
    let bearer = account
        .claim(&device_id, &ticket_id, &authenticator)
        .await
        .ok(200);
    let bearer = bearer["bearer"].as_str().unwrap();
    let call = |method, path: &str| service.call(method, path).bearer(bearer);
    call(POST, "/api/v1/events")
        .json(json!({"events": [event(1, "x")]}))
        .await
        .ok(200);

    let path = format!("/api/v1/devices/{device_id}/revoke");
    let eve = service.sign_up("eve").await;
    eve.call(POST, &path)
        .send()
        .await
        .refused(404, "device.unknown");
    account.call(POST, &path).send().await.ok(204);
    account.call(POST, &path).send().await.ok(204);
    account
        .call(PUT, "/api/v1/policy")
        .bytes("you are revoked")
        .await
        .ok(204);

    let upload = call(POST, "/api/v1/events")
        .json(json!({"events": [event(2, "x")]}))
        .await;
    upload.refused(403, "device.revoked");
    call(GET, "/api/v1/events/head")
        .send()
        .await
        .refused(403, "device.revoked");
    call(GET, "/api/v1/device/delivery")
        .send()
        .await
        .refused(403, "device.revoked");
    assert_eq!(
        call(GET, "/api/v1/device/policy").send().await.body,
        b"you are revoked"
    );
    account
        .claim(&device_id, &ticket_id, &authenticator)
        .await
        .refused(403, "device.revoked");
    let path = format!("/api/v1/devices/{device_id}/delivery");
    account
        .call(PUT, &path)
        .bytes("again")
        .await
        .refused(403, "device.revoked");
    let devices = account.get("/api/v1/devices").await;
    assert_eq!(devices["devices"][0]["status"], "revoked");
    assert_eq!(devices["devices"][0]["events"], 1);
}

async fn a_policy_has_at_most_128_kib(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let device = account.device().await;
    assert_eq!(
        device.call(GET, "/api/v1/device/policy").send().await.body,
        b"first policy"
    );
    let put = |policy: Vec<u8>| account.call(PUT, "/api/v1/policy").bytes(policy);
    put(vec![1; 128 * 1024 + 1])
        .await
        .refused(413, "request.too-large");
    put(vec![1; 128 * 1024]).await.ok(204);
    assert_eq!(
        device
            .call(GET, "/api/v1/device/policy")
            .send()
            .await
            .body
            .len(),
        128 * 1024
    );
}

async fn bearers_are_of_two_kinds_and_never_exchanged(database: Database) {
    let service = database.start().await;
    let account = service.sign_up("ada").await;
    let device = account.device().await;
    for path in [
        "/api/v1/devices",
        "/api/v1/vault",
        "/api/v1/totals?by=day",
        "/api/v1/events",
    ] {
        service
            .call(GET, path)
            .send()
            .await
            .refused(401, "auth.missing");
        let basic = service
            .call(GET, path)
            .header("authorization", "Basic YTpi");
        basic.send().await.refused(401, "auth.missing");
        device
            .call(GET, path)
            .send()
            .await
            .refused(401, "auth.refused");
        for bearer in ["", "x", &b64(&random::<32>()), &b64(&random::<31>())] {
            let answer = service.call(GET, path).bearer(bearer).send().await;
            assert_eq!(answer.headers["www-authenticate"], "Bearer");
            assert_eq!(answer.status, 401);
        }
    }
    for path in [
        "/api/v1/events/head",
        "/api/v1/device/policy",
        "/api/v1/device/delivery",
    ] {
        account
            .call(GET, path)
            .send()
            .await
            .refused(401, "auth.refused");
        service
            .call(GET, path)
            .send()
            .await
            .refused(401, "auth.missing");
    }
}

on_both_databases![
    a_ticket_gives_a_device_its_bearer,
    a_ticket_is_announced_once,
    a_ticket_serves_as_many_devices_as_it_says,
    the_last_use_of_a_ticket_goes_to_one_device,
    a_ticket_is_good_for_its_own_account_until_it_ends,
    an_expired_ticket_is_refused,
    without_a_ticket_the_owner_approves_first,
    a_claim_is_one_kind_or_the_other,
    a_delivery_reaches_its_device_alone,
    a_revoked_device_may_read_the_policy_and_nothing_else,
    a_policy_has_at_most_128_kib,
    bearers_are_of_two_kinds_and_never_exchanged,
];
