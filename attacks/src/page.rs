//! The service chooses what the owner looks at, to have words carried out or to learn which there are.
//!
//! What a browser does with the markup of a page is tested in browsers: bindings/wasm/tests/page/exfiltration.test.mjs.

use blindtally::TokenClass;

use crate::attack::{Failure, Gain, Outcome, attacks};
use crate::people::{BERT, Keys, WORD};
use crate::system::{System, TokenLabel, join, running};

attacks! {
    a_page_carries_a_word_out_in_a_link => NotThere;
    rules_for_everybody_tell_which_words_occur => NotThere;
    a_page_with_tokens_of_another_account_shows_words => Harmless;
    tokens_that_are_no_tokens_are_shown_as_words => Harmless;
}

/// The browser then asks the service for the picture.
fn a_page_carries_a_word_out_in_a_link<S: System>() -> Outcome {
    let (owner, laptop) = running::<S>(Keys::Laptop);
    let token = S::in_text(&S::tokenize(&laptop.agent, TokenClass::APP, WORD)?);
    let shown = S::show_markup(&owner, &format!("<p>{token}</p><img src=\"/pixel?{token}\">"))?;
    let asked = shown.split_once("/pixel?").and_then(|(_, rest)| rest.split_once('"')).map(|(asked, _)| asked);
    asked
        .filter(|&asked| asked == WORD)
        .map(|word| Gain::Plaintext(word.to_owned()))
        .ok_or(Failure::Harmless("a token"))
}

fn rules_for_everybody_tell_which_words_occur<S: System>() -> Outcome {
    let (owner, laptop) = running::<S>(Keys::Laptop);
    let row = S::tokenize(&laptop.agent, TokenClass::APP, WORD)?;
    let words = ["excel.exe", WORD, "tor.exe"];
    let rules = S::tokenize_rules(&owner, TokenClass::APP, &words)?;
    let found = words.iter().zip(rules).find(|(_, token)| *token == row);
    found.map(|(word, _)| Gain::Plaintext((*word).to_owned())).ok_or(Failure::Harmless("none of these"))
}

/// Among the account's own: what comes out of them would show that the page is read, and could be anything.
fn a_page_with_tokens_of_another_account_shows_words<S: System>() -> Outcome {
    let (anna, _) = running::<S>(Keys::Laptop);
    let (mut bert, _) = S::create(BERT);
    let desktop = join::<S>(&mut bert, Keys::Desktop);
    let tokens = (0..6000).map(|number| S::tokenize(&desktop.agent, TokenClass::TITLE, &number.to_string()));
    let page: Vec<_> = tokens.map(|token| token.map(|token| S::in_text(&token))).collect::<Result<_, _>>()?;
    unchanged::<S>(&anna, &page.join("\n"))
}

/// Cut off, in other letters, of other classes, altered.
fn tokens_that_are_no_tokens_are_shown_as_words<S: System>() -> Outcome {
    let (owner, laptop) = running::<S>(Keys::Laptop);
    let token = S::tokenize(&laptop.agent, TokenClass::TITLE, "Dismissal of B. Meier - Word")?;
    let bytes = S::token_bytes(&token);
    let mut page = S::in_text(&S::relabel(&token, TokenLabel::Class(TokenClass::APP))?);
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut altered = bytes.clone();
            altered[at] ^= 1 << bit;
            page += "\n";
            page += &S::in_text(&S::token_text(&altered));
        }
        page += "\n";
        page += &S::in_text(&S::token_text(&bytes[..at]));
    }
    unchanged::<S>(&owner, &page)
}

fn unchanged<S: System>(owner: &S::Owner, page: &str) -> Outcome {
    if S::show(owner, page) == page {
        Err(Failure::Harmless("they stay as they are"))
    } else {
        Ok(Gain::Accepted("shows what nobody recorded"))
    }
}
