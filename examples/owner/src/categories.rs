//! `categories` and `categorize`: what counts as productive, or as anything else that the owner gives a name.
//!
//! The service gets tokens only of what the owner typed (SPEC.md#typed), and such as it has already.

use std::collections::HashMap;

use blindtally::{Owner, Token, TokenClass};
use blindtally_client::{Failure, visible};
use serde_json::json;

use crate::cli::Categorize;
use crate::report::{self, BUILT_IN, Word};
use crate::session::{Context, Session};
use crate::table::{Align, Table};
use crate::wire::{Assignment, CategoryList};

/// Assigns a category to a value: to its token of this epoch, and to those of earlier epochs that were observed.
pub(crate) fn categorize(args: &Categorize, context: &mut Context) -> Result<(), Failure> {
    let session = Session::open(context)?;
    let owner = &session.owner;
    let canonical = owner.policy().policy().canonical_form(args.class).apply(&args.value).into_owned();
    let category = if BUILT_IN.contains(&args.category.as_str()) {
        args.category.clone()
    } else {
        owner.tokenize_typed(TokenClass::LABEL, &args.category)?.to_string()
    };
    let mut tokens = vec![owner.tokenize_typed(args.class, &args.value)?];
    for (value, token) in report::observed(&session, args.class)? {
        // Agents may have sealed the value as it is before the policy asked for one form of it.
        if (value == canonical || value == args.value) && !tokens.contains(&token) {
            tokens.push(token);
        }
    }
    let class = args.class.name().unwrap_or_default();
    for token in &tokens {
        put(&session, class, token.to_string(), category.clone())?;
    }
    let output = session.output();
    let (value, shown) = (visible(&args.value), visible(&args.category));
    output.line(format_args!("{class} {value} is {shown} ({} token(s))", tokens.len()))?;
    output.object(&json!({
        "class": class, "value": args.value, "category": args.category,
        "tokens": tokens.iter().map(Token::to_string).collect::<Vec<_>>(),
    }))?;
    session.close();
    Ok(())
}

/// Lists what has which category.
pub(crate) fn run(context: &mut Context) -> Result<(), Failure> {
    let session = Session::open(context)?;
    let assignments = Assignments::read(&session)?;
    let mut lines: Vec<[String; 3]> = Vec::new();
    for &class in TokenClass::NAMED {
        for (word, category) in assignments.of(&session.owner, class) {
            let (Word::Revealed(value) | Word::Opaque(value)) = word;
            let category = match BUILT_IN.contains(&category.as_str()) {
                true => category,
                false => reveal_label(&session.owner, &category).unwrap_or(category),
            };
            lines.push([class.name().unwrap_or_default().to_owned(), value, category]);
        }
    }
    lines.sort_unstable();
    let output = session.output();
    let mut table = Table::new(&[Align::Left, Align::Left, Align::Left]);
    table.head(&["Class", "Value", "Category"]);
    lines.iter().for_each(|line| table.row(&line.each_ref().map(|cell| visible(cell).into_owned())));
    output.line(table)?;
    let object =
        |[class, value, category]: &[String; 3]| json!({ "class": class, "value": value, "category": category });
    output.object(&json!({ "categories": lines.iter().map(object).collect::<Vec<_>>() }))?;
    session.close();
    Ok(())
}

/// Every assignment that the service tells of.
///
/// They are followed from epoch to epoch here, and never tokenized anew: whoever has an earlier epoch's keys can make
/// tokens of any words, and would learn those words' tokens of this epoch (SPEC.md#not-anew).
pub(crate) struct Assignments(Vec<Assignment>);

impl Assignments {
    pub(crate) fn read(session: &Session<'_>) -> Result<Self, Failure> {
        let list: CategoryList = session.service.get("/api/v1/categories")?.json()?;
        Ok(Self(list.categories))
    }

    /// The category of each value of a class: that of its newest token which has one.
    pub(crate) fn of(&self, owner: &Owner, class: TokenClass) -> HashMap<Word, String> {
        let own: Vec<&Assignment> = self.0.iter().filter(|own| class.name() == Some(own.class.as_str())).collect();
        let words = report::words(owner, class, own.iter().map(|own| own.value.clone()).collect());
        let mut sorted: Vec<_> = words.into_iter().zip(own).collect();
        sorted.sort_by_key(|((_, epoch), _)| *epoch);
        sorted.into_iter().map(|((word, _), own)| (word, own.category.clone())).collect()
    }
}

fn put(session: &Session<'_>, class: &str, value: String, category: String) -> Result<(), Failure> {
    let assignment = Assignment { class: class.to_owned(), value, category };
    session.service.put("/api/v1/categories", &assignment).map(drop)
}

fn reveal_label(owner: &Owner, label: &str) -> Option<String> {
    let token = label.parse::<Token>().ok().filter(|token| token.class() == TokenClass::LABEL)?;
    owner.reveal(&token).ok()
}
