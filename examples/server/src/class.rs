//! The seven classes of values that an event may carry.

/// A class: one column of `events`, one key of `values`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Class {
    App,
    Title,
    Host,
    Url,
    Document,
    Person,
    Label,
}

impl Class {
    pub(crate) const COUNT: usize = 7;

    pub(crate) const ALL: [Class; Self::COUNT] =
        [Class::App, Class::Title, Class::Host, Class::Url, Class::Document, Class::Person, Class::Label];

    /// The name in JSON, and of the column.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Class::App => "app",
            Class::Title => "title",
            Class::Host => "host",
            Class::Url => "url",
            Class::Document => "document",
            Class::Person => "person",
            Class::Label => "label",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Class> {
        Class::ALL.into_iter().find(|class| class.name() == name)
    }
}
