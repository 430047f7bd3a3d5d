//! What a sealed value is about.

use pyo3::prelude::*;
use pyo3::types::PyType;

use crate::error::{Refused, raise};
use crate::given::{Number, Text};

macro_rules! class {
    ($(#[$meta:meta])* $name:ident, $text:literal { $($constant:ident)* }) => {
        $(#[$meta])*
        #[pyclass(module = "blindtally", frozen, eq, hash, from_py_object)]
        #[derive(Clone, Copy, PartialEq, Eq, Hash)]
        pub(crate) struct $name(pub(crate) blindtally::$name);

        #[pymethods]
        impl $name {
            #[new]
            fn new(id: Number) -> PyResult<Self> {
                blindtally::$name::from_id(id.narrow()?).map(Self).map_err(raise)
            }

            /// The class of that name, such as "app".
            ///
            /// Raises ArgumentValueError: there is none.
            #[staticmethod]
            fn named(name: Text) -> PyResult<Self> {
                blindtally::$name::from_name(&name).map(Self).ok_or_else(|| Refused::Value.into())
            }

            /// Its id on the wire.
            #[getter]
            fn id(&self) -> u8 {
                self.0.id()
            }

            /// Its name; None for one of an application's own.
            #[getter]
            fn name(&self) -> Option<&'static str> {
                self.0.name()
            }

            fn __repr__(&self) -> String {
                match self.0.name() {
                    Some(name) => format!(concat!($text, ".{}"), name.to_uppercase()),
                    None => format!(concat!($text, "({})"), self.0.id()),
                }
            }

            fn __reduce__<'py>(&self, py: Python<'py>) -> (Bound<'py, PyType>, (u8,)) {
                (py.get_type::<Self>(), (self.0.id(),))
            }

            $(#[classattr]
            const $constant: Self = Self(blindtally::$name::$constant);)*
        }
    };
}

class! {
    /// A class of tokens: values that the service groups and counts. `TokenClass(id)` gives an application's own: 128 to 191.
    TokenClass, "TokenClass" { APP TITLE HOST URL DOCUMENT PERSON LABEL }
}

class! {
    /// A class of records: values that are only kept. `RecordClass(id)` gives an application's own: 192 to 223.
    RecordClass, "RecordClass" { KEYSTROKES CLIPBOARD CHAT }
}

class! {
    /// A class of blobs: files and streams. `BlobClass(id)` gives an application's own: 224 to 255.
    BlobClass, "BlobClass" { SCREENSHOT CAMERA VOICE ARCHIVE }
}
