//! `policy`: what agents are told, and how they bring values of a class into one form before they seal them.

use blindtally::CanonicalForm;
use blindtally_client::Failure;
use serde_json::json;

use crate::cli::{Form, PolicyArgs};
use crate::session::{Context, Session, now};

pub(crate) fn run(args: &PolicyArgs, context: &mut Context) -> Result<(), Failure> {
    let mut session = Session::open(context)?;
    if let Some((class, form)) = args.class.zip(args.form) {
        let change = session.owner.set_canonical_form(class, form.canonical(), now())?;
        session.commit(change)?;
    }
    let (output, policy) = (session.output(), session.owner.policy().policy());
    output.line(format_args!("policy version {}, epoch {}", policy.version(), policy.epoch().get()))?;
    let mut forms = serde_json::Map::new();
    for class in blindtally::TokenClass::NAMED {
        let (name, form) = (class.name().unwrap_or_default(), Form::of(policy.canonical_form(*class)));
        output.line(format_args!("{name:10}{}", form.name()))?;
        forms.insert(name.to_owned(), form.name().into());
    }
    output.object(&json!({ "version": policy.version(), "epoch": policy.epoch().get(), "forms": forms }))?;
    session.close();
    Ok(())
}

impl Form {
    fn canonical(self) -> CanonicalForm {
        match self {
            Self::Exact => CanonicalForm::Exact,
            Self::Lowercase => CanonicalForm::AsciiLowercase,
            Self::Host => CanonicalForm::Host,
        }
    }

    fn of(form: CanonicalForm) -> Self {
        match form {
            CanonicalForm::Exact => Self::Exact,
            CanonicalForm::AsciiLowercase => Self::Lowercase,
            CanonicalForm::Host => Self::Host,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Lowercase => "lowercase",
            Self::Host => "host",
        }
    }
}
