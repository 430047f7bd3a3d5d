//! Tokens against AES-256-GCM-SIV one call a value: AWS-LC's, with its key object kept, and RustCrypto's.

use std::error::Error;
use std::hint::black_box;

use aes_gcm_siv::Aes256GcmSiv;
use aes_gcm_siv::aead::{AeadInOut, KeyInit};
use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, Nonce, UnboundKey};
use blindtally::{AccountId, Epoch, MasterKey, RevealBatch, Scope, Secret, Token, TokenBatch, TokenClass, TokenKey};

use crate::race::{Peer, Races};

const VALUES: u32 = 1000;
const KEY: [u8; 32] = [7; 32];
const NONCE: [u8; 12] = [9; 12];
/// As long as the associated data of a token.
const ASSOCIATED: [u8; 39] = [5; 39];

/// Value lengths in bytes, each with the goals against AWS-LC: batch as text, single as bytes, single as text, revealing.
const GOALS: [(usize, [f64; 4]); 3] =
    [(11, [4.5, 2.7, 2.0, 5.0]), (45, [4.0, 3.3, 2.0, 5.0]), (93, [3.2, 2.6, 2.0, 3.5])];

pub(crate) fn run(races: &mut Races) -> Result<(), Box<dyn Error>> {
    let scope = Scope { account: AccountId::from_bytes([1; 16]), epoch: Epoch::FIRST };
    let class_key = MasterKey::from_secret(Secret::copy_of(&KEY)).epoch_key(scope).class_key(TokenClass::APP);
    let key = TokenKey::new(&class_key);
    let aws = LessSafeKey::new(UnboundKey::new(&AES_256_GCM_SIV, &KEY).map_err(|_| "AWS-LC refuses the key")?);
    let rustcrypto = Aes256GcmSiv::new(&KEY.into());
    let nonce = || Nonce::assume_unique_for_key(NONCE);
    for (len, [batch_goal, bytes_goal, text_goal, reveal_goal]) in GOALS {
        let values: Vec<String> = (0..VALUES).map(|i| format!("{i:x>len$}")).collect();

        let mut buffer = Vec::with_capacity(256);
        let mut aws_seal = || {
            for value in &values {
                buffer.clear();
                buffer.extend_from_slice(value.as_bytes());
                let _ = black_box(aws.seal_in_place_append_tag(nonce(), Aad::from(ASSOCIATED), &mut buffer));
            }
        };
        let mut buffer = Vec::with_capacity(256);
        let mut rustcrypto_seal = || {
            for value in &values {
                buffer.clear();
                buffer.extend_from_slice(value.as_bytes());
                let _ = black_box(rustcrypto.encrypt_in_place(&NONCE.into(), &ASSOCIATED, &mut buffer));
            }
        };
        let mut race_sealing = |name: &str, goal: f64, ours: &mut dyn FnMut()| {
            races.run(
                &format!("{name}, {len} bytes"),
                VALUES,
                ours,
                &mut [
                    Peer { name: "aws-lc-rs", goal: Some(goal), run: &mut aws_seal },
                    Peer { name: "aes-gcm-siv", goal: None, run: &mut rustcrypto_seal },
                ],
            );
        };

        let mut batch = TokenBatch::new();
        race_sealing("tokenize batch of 1000 to text", batch_goal, &mut || {
            key.tokenize_batch(&values, &mut batch);
            black_box(batch.get(0)).map(drop).unwrap_or_default();
        });
        let mut bytes = Vec::with_capacity(256);
        race_sealing("tokenize one to bytes", bytes_goal, &mut || {
            for value in &values {
                bytes.clear();
                let _ = black_box(key.tokenize_into(value, &mut bytes));
            }
        });
        race_sealing("tokenize one to text", text_goal, &mut || {
            for value in &values {
                let _ = black_box(key.tokenize_to_string(value));
            }
        });

        let sealed_by_aws: Vec<Vec<u8>> = values
            .iter()
            .map(|value| {
                let mut sealed = value.as_bytes().to_vec();
                aws.seal_in_place_append_tag(nonce(), Aad::from(ASSOCIATED), &mut sealed).map(|()| sealed)
            })
            .collect::<Result<_, _>>()
            .map_err(|_| "AWS-LC refuses to seal")?;
        let mut buffer = Vec::with_capacity(256);
        let mut aws_open = || {
            for sealed in &sealed_by_aws {
                buffer.clear();
                buffer.extend_from_slice(sealed);
                let _ = black_box(aws.open_in_place(nonce(), Aad::from(ASSOCIATED), &mut buffer));
            }
        };
        let tokens: Vec<Token> = values.iter().map(|value| key.tokenize(value)).collect::<Result<_, _>>()?;
        let texts: Vec<String> = tokens.iter().map(Token::to_string).collect();
        let mut batch = RevealBatch::new();
        races.run(
            &format!("reveal batch of 1000 from text, {len} bytes"),
            VALUES,
            &mut || {
                key.reveal_batch(&texts, &mut batch);
                black_box(batch.get(0)).map(drop).unwrap_or_default();
            },
            &mut [Peer { name: "aws-lc-rs", goal: Some(reveal_goal), run: &mut aws_open }],
        );
        races.run(
            &format!("reveal batch of 1000 parsed tokens, {len} bytes"),
            VALUES,
            &mut || {
                key.reveal_tokens(&tokens, &mut batch);
                black_box(batch.get(0)).map(drop).unwrap_or_default();
            },
            &mut [Peer { name: "aws-lc-rs", goal: Some(reveal_goal), run: &mut aws_open }],
        );
        races.run(
            &format!("reveal one parsed token, {len} bytes"),
            VALUES,
            &mut || {
                for token in &tokens {
                    let _ = black_box(key.reveal(token));
                }
            },
            &mut [Peer { name: "aws-lc-rs", goal: None, run: &mut aws_open }],
        );
    }
    Ok(())
}
