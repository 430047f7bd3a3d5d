//! Arguments: Python's types turned into the core's, once, at the edge. What is of another type has a code.

use std::ops::Deref;

use blindtally::{ParseError, Secret, Timestamp};
use pyo3::PyTypeInfo;
use pyo3::prelude::*;
use pyo3::pybacked::{PyBackedBytes, PyBackedStr};
use pyo3::types::{PyByteArray, PyBytes, PyInt, PyIterator, PyMemoryView, PyString};
use zeroize::Zeroizing;

use crate::error::{Refused, raise};

/// A `str`, borrowed.
pub(crate) struct Text(pub(crate) PyBackedStr);

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'py> FromPyObject<'_, 'py> for Text {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        text(object).map(Self).map_err(PyErr::from)
    }
}

/// The UTF-8 of a `str`. What Python says of one that has none is dropped: it holds the text.
pub(crate) fn text(object: Borrowed<'_, '_, PyAny>) -> Result<PyBackedStr, Refused> {
    let string = object.cast::<PyString>().map_err(|_| Refused::Type)?;
    PyBackedStr::try_from(string.to_owned()).map_err(|_| Refused::Surrogate)
}

/// The items of whatever can be iterated over. A single text or `bytes`, which Python iterates over too, was meant otherwise.
/// What the object itself raises comes through.
pub(crate) fn iterate<'py>(items: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyIterator>> {
    let class = items.get_type();
    let is_iterable = class.hasattr("__iter__")? || class.hasattr("__getitem__")?;
    if !is_iterable || items.is_instance_of::<PyString>() || items.is_instance_of::<PyBytes>() {
        return Err(Refused::Type.into());
    }
    items.try_iter()
}

/// A secret text: a `str`, or UTF-8 in `bytes` or a `bytearray`, which the caller can wipe. The copy here is wiped.
pub(crate) struct SecretText(Zeroizing<String>);

impl Deref for SecretText {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'py> FromPyObject<'_, 'py> for SecretText {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if object.is_instance_of::<PyString>() {
            return Ok(Self(Zeroizing::new(text(object)?.to_owned())));
        }
        // Of a view, Python gives the bytes in a copy that nobody wipes.
        if object.is_instance_of::<PyMemoryView>() {
            return Err(Refused::Type.into());
        }
        let bytes = Bytes::extract(object)?;
        let text = str::from_utf8(&bytes).map_err(|_| PyErr::from(Refused::Value))?;
        Ok(Self(Zeroizing::new(text.to_owned())))
    }
}

/// Bytes: `bytes`, a `bytearray` or a `memoryview`. The copy here is wiped: the next argument may be refused.
pub(crate) struct Bytes(pub(crate) Zeroizing<Vec<u8>>);

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl<'py> FromPyObject<'_, 'py> for Bytes {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if object.is_instance_of::<PyBytes>() {
            return Ok(Self(Zeroizing::new(object.extract::<PyBackedBytes>()?.to_vec())));
        }
        // What PyO3 would borrow of it is a copy, which nobody wipes.
        if let Ok(bytes) = object.cast::<PyByteArray>() {
            return Ok(Self(Zeroizing::new(bytes.to_vec())));
        }
        if object.is_instance_of::<PyMemoryView>() {
            // One that was released has none.
            let bytes = object.call_method0("tobytes").map_err(|_| PyErr::from(Refused::Value))?;
            return Ok(Self(Zeroizing::new(bytes.extract::<PyBackedBytes>()?.to_vec())));
        }
        Err(Refused::Type.into())
    }
}

/// 32 secret bytes, whose copies here are wiped.
pub(crate) struct Key(pub(crate) Secret<32>);

impl<'py> FromPyObject<'_, 'py> for Key {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let bytes = Bytes::extract(object)?;
        let bytes: &[u8; 32] = (&*bytes).try_into().map_err(|_| PyErr::from(Refused::Value))?;
        Ok(Self(Secret::copy_of(bytes)))
    }
}

/// An object of this package.
pub(crate) struct Of<T>(Py<T>);

impl<T> Of<T> {
    pub(crate) fn bind<'py>(&self, py: Python<'py>) -> &Bound<'py, T> {
        self.0.bind(py)
    }

    pub(crate) fn get(&self) -> &T
    where
        T: pyo3::PyClass<Frozen = pyo3::pyclass::boolean_struct::True> + Sync,
    {
        self.0.get()
    }
}

impl<'py, T: PyTypeInfo> FromPyObject<'_, 'py> for Of<T> {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let found = object.cast::<T>().map_err(|_| PyErr::from(Refused::Type))?;
        Ok(Self(found.to_owned().unbind()))
    }
}

/// An integer without a sign, such as a number of uses.
pub(crate) struct Number(pub(crate) u64);

impl<'py> FromPyObject<'_, 'py> for Number {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let number = object.cast::<PyInt>().map_err(|_| PyErr::from(Refused::Type))?;
        number.extract().map(Self).map_err(|_| Refused::Value.into())
    }
}

impl Number {
    /// As a smaller type.
    pub(crate) fn narrow<N: TryFrom<u64>>(self) -> PyResult<N> {
        N::try_from(self.0).map_err(|_| Refused::Value.into())
    }
}

/// A point in time: an aware `datetime`, or a number of milliseconds since the Unix epoch.
pub(crate) struct When(pub(crate) Timestamp);

impl<'py> FromPyObject<'_, 'py> for When {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if object.is_instance_of::<PyInt>() {
            return Ok(Self(Timestamp::from_unix_millis(Number::extract(object)?.0)));
        }
        Moment::extract(object).map(|moment| Self(moment.0))
    }
}

/// A point in time: an aware `datetime`. One without a time zone could mean any of two dozen moments, and is refused.
pub(crate) struct Moment(pub(crate) Timestamp);

impl<'py> FromPyObject<'_, 'py> for Moment {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let py = object.py();
        let datetime = py.import("datetime")?.getattr("datetime")?;
        if !object.is_instance(&datetime)? {
            return Err(Refused::Type.into());
        }
        // Pandas has datetimes that are no moment, and a time zone may be anyone's.
        let no_moment = |_: PyErr| Refused::Value.because(py, "a datetime is no moment");
        if object.call_method0("utcoffset").map_err(no_moment)?.is_none() {
            return Err(Refused::Value.because(py, "a datetime needs a time zone"));
        }
        // By whole numbers: a float rounds microseconds, and offsets may have some.
        let since = object.sub(self::datetime(py, Timestamp::from_unix_millis(0))?).map_err(no_moment)?;
        let part = |name| since.getattr(name)?.extract::<i64>().map_err(no_moment);
        let (days, seconds, micros) = (part("days")?, part("seconds")?, part("microseconds")?);
        let millis = u64::try_from(days * 86_400_000 + seconds * 1000 + micros / 1000).map_err(|_| Refused::Value)?;
        Ok(Self(Timestamp::from_unix_millis(millis)))
    }
}

/// The moment given, or the system's clock.
pub(crate) fn or_now(given: Option<Moment>) -> Timestamp {
    given.map_or_else(|| std::time::SystemTime::now().into(), |moment| moment.0)
}

/// Unix milliseconds given, or by the system's clock.
pub(crate) fn millis(given: Option<When>) -> u64 {
    given.map_or_else(|| Timestamp::from(std::time::SystemTime::now()), |when| when.0).unix_millis()
}

/// An aware `datetime` in UTC.
pub(crate) fn datetime(py: Python<'_>, time: Timestamp) -> PyResult<Bound<'_, PyAny>> {
    let module = py.import("datetime")?;
    let seconds = i64::try_from(time.unix_secs()).unwrap_or(i64::MAX);
    let whole = module
        .getattr("datetime")?
        .call_method1("fromtimestamp", (seconds, module.getattr("timezone")?.getattr("utc")?))
        .map_err(|_| Refused::Value.because(py, "the time is later than a datetime can say"))?;
    let rest = module.getattr("timedelta")?.call1((0, 0, time.unix_millis() % 1000 * 1000))?;
    whole.call_method1("__add__", (rest,))
}

/// An id of 32 hexadecimal digits.
pub(crate) fn id<T: std::str::FromStr<Err = ParseError>>(text: &str) -> PyResult<T> {
    text.parse().map_err(raise)
}
