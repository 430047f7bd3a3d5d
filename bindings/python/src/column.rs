//! Columns of strings in Arrow memory: whatever speaks the Arrow PyCapsule interface comes in without a copy, and goes out.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow_array::builder::GenericStringBuilder;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayAccessor, ArrayRef, OffsetSizeTrait, new_null_array};
use arrow_schema::{DataType, Field};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyList, PyString, PyTuple, PyType};
use pyo3_arrow::ffi::{ArrayIterator, to_array_pycapsules, to_schema_pycapsule, to_stream_pycapsule};
use pyo3_arrow::input::AnyArray;
use pyo3_arrow::{PyArray, PyArrayReader};

use crate::batch::{EACH, Errors, Failed, Results, Work, leave};
use crate::error::Refused;
use crate::given::Of;

/// So many values are worked on together: few enough to stay in the processor's cache.
const PIECE: usize = 4096;

/// Strings in Arrow memory, for whatever takes the Arrow PyCapsule interface: `pyarrow.array(column)`,
/// `polars.Series(column)`, `pandas.Series.from_arrow(column)`, a DuckDB query.
#[pyclass(module = "blindtally", frozen)]
pub(crate) struct Column {
    data_type: DataType,
    chunks: Vec<ArrayRef>,
}

impl Column {
    /// The column that an object gives; `None` if it gives none.
    ///
    /// # Errors
    /// [`Refused::Type`] for one that is not of strings.
    pub(crate) fn take(object: &Bound<'_, PyAny>) -> PyResult<Option<Self>> {
        let py = object.py();
        // A class has the methods too, but no column.
        if object.is_instance_of::<PyType>() {
            return Ok(None);
        }
        // What Arrow says of what it was given may quote it; what the object itself raises is the caller's own.
        let refused = |_: PyErr| PyErr::from(Refused::Type);
        let reader = if let Some(method) = object.getattr_opt("__arrow_c_array__")? {
            let (schema, array): (Bound<'_, PyCapsule>, Bound<'_, PyCapsule>) =
                method.call0()?.extract().map_err(refused)?;
            guarded(|| AnyArray::Array(PyArray::from_arrow_pycapsule(&schema, &array)?).into_reader())
        } else if let Some(method) = object.getattr_opt("__arrow_c_stream__")? {
            let stream = method.call0()?.cast_into::<PyCapsule>().map_err(|_| PyErr::from(Refused::Type))?;
            guarded(|| PyArrayReader::from_arrow_pycapsule(&stream)?.into_reader())
        } else {
            return Ok(None);
        };
        let reader = reader.map_err(refused)?;
        let data_type = reader.field().data_type().clone();
        // Other threads may have to run Python for the stream to go on: a query with functions of ours in it.
        let read = || reader.collect::<Result<Vec<_>, _>>().map_err(|_| Refused::Value.into());
        let chunks = py
            .detach(|| guarded(read))
            .map_err(|_| Refused::Value.because(py, "the column broke off, or is not what it says"))?;
        let mut column = Self { data_type, chunks };
        // A table, or a query's result, of one column is that column.
        if let DataType::Struct(fields) = &column.data_type
            && let [field] = fields.as_ref()
        {
            if column.chunks.iter().any(|chunk| chunk.null_count() > 0) {
                return Err(Refused::Type.into());
            }
            column.data_type = field.data_type().clone();
            column.chunks = column.chunks.iter().map(|chunk| chunk.as_struct().column(0).clone()).collect();
        }
        let is_taken = match &column.data_type {
            DataType::Dictionary(_, values) => is_text(values),
            DataType::Null => true,
            other => is_text(other),
        };
        if !is_taken {
            return Err(Refused::Type.because(py, "the column is not one of strings"));
        }
        Ok(Some(column))
    }

    fn field(&self) -> Arc<Field> {
        Arc::new(Field::new("", self.data_type.clone(), true))
    }
}

/// Does what crosses the interface, where Arrow panics if the other side breaks its rules.
fn guarded<R>(cross: impl FnOnce() -> PyResult<R>) -> PyResult<R> {
    catch_unwind(AssertUnwindSafe(cross)).unwrap_or_else(|_| Err(Refused::Type.into()))
}

fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

#[pymethods]
impl Column {
    fn __len__(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.len()).sum()
    }

    /// How many of them are null.
    #[getter]
    fn null_count(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.logical_null_count()).sum()
    }

    /// As a list of `str`, with None for nulls.
    fn to_list<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let list = PyList::empty(py);
        for chunk in &self.chunks {
            each_text(chunk, &mut |text| list.append(text.map(|text| PyString::new(py, text))))?;
        }
        Ok(list)
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_array__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Of<PyCapsule>>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let chunks: Vec<&dyn Array> = self.chunks.iter().map(|chunk| chunk.as_ref()).collect();
        let array = match chunks[..] {
            [] => new_null_array(&self.data_type, 0),
            [one] => arrow_array::make_array(one.to_data()),
            _ => arrow_select::concat::concat(&chunks).map_err(|_| PyErr::from(Refused::Value))?,
        };
        let requested = requested_schema.map(|schema| schema.bind(py).clone());
        guarded(|| Ok(to_array_pycapsules(py, self.field(), &array, requested)?)).map_err(|_| Refused::Type.into())
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Of<PyCapsule>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let chunks = ArrayIterator::new(self.chunks.clone().into_iter().map(Ok), self.field());
        let requested = requested_schema.map(|schema| schema.bind(py).clone());
        guarded(|| Ok(to_stream_pycapsule(py, Box::new(chunks), requested)?)).map_err(|_| Refused::Type.into())
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        Ok(to_schema_pycapsule(py, self.field().as_ref())?)
    }

    fn __repr__(&self) -> String {
        format!("Column({} rows)", self.__len__())
    }
}

/// Does the work with every value; a row that was refused comes with its number.
pub(crate) fn convert<T, W: Work<T>>(
    by: &T,
    work: &W,
    column: &Column,
    errors: Errors,
) -> Result<Column, (Failed, Option<usize>)> {
    for chunk in &column.chunks {
        // Whoever made it may have made it wrong, and what is not UTF-8 must not become a `str`.
        chunk.to_data().validate_full().map_err(|_| (Failed::Here(Refused::Value), None))?;
    }
    let data_type = match &column.data_type {
        DataType::Dictionary(keys, values) => {
            DataType::Dictionary(keys.clone(), Box::new(result_type::<T, W>(values, &column.chunks)))
        }
        other => result_type::<T, W>(other, &column.chunks),
    };
    let mut chunks = Vec::with_capacity(column.chunks.len());
    let mut row = 0;
    // Chunks often share one dictionary, however short they are.
    let mut known: Option<(ArrayRef, ArrayRef, Vec<_>)> = None;
    for chunk in &column.chunks {
        let mut converter = Converter { by, work, errors, refused: Vec::new() };
        let converted = match &data_type {
            DataType::Dictionary(_, values) => {
                let dictionary = chunk.as_any_dictionary();
                // Which rows a refused value is in, its keys tell.
                converter.errors = Errors::Null;
                let given = dictionary.values();
                let values = match known.take().filter(|(before, ..)| before.to_data().ptr_eq(&given.to_data())) {
                    Some((_, values, refused)) => {
                        converter.refused = refused;
                        values
                    }
                    None => converter.convert(given, values)?,
                };
                if errors == Errors::Raise && !converter.refused.is_empty() {
                    let keys = dictionary.normalized_keys();
                    let is_null = |row: usize| dictionary.keys().is_null(row);
                    let first = keys.iter().enumerate().filter(|(row, _)| !is_null(*row));
                    let mut first = first.filter_map(|(row, key)| {
                        let found = converter.refused.binary_search_by_key(key, |(value, _)| *value).ok()?;
                        Some((converter.refused.get(found)?.1, row))
                    });
                    if let Some((failed, at)) = first.next() {
                        return Err((failed, Some(row + at)));
                    }
                }
                known = Some((given.clone(), values.clone(), converter.refused));
                dictionary.with_values(values)
            }
            text => converter.convert(chunk, text).map_err(|(failed, at)| (failed, at.map(|at| row + at)))?,
        };
        row += chunk.len();
        chunks.push(converted);
    }
    Ok(Column { data_type, chunks })
}

/// Strings with offsets of 32 bits, as they came, unless the results might not fit.
fn result_type<T, W: Work<T>>(given: &DataType, chunks: &[ArrayRef]) -> DataType {
    let texts = |chunk: &ArrayRef| chunk.as_any_dictionary_opt().map_or(chunk.len(), |found| found.values().len());
    let fits = |chunk: &ArrayRef| W::room(text_len(chunk), texts(chunk)) <= i32::MAX as usize;
    match given {
        DataType::LargeUtf8 => DataType::LargeUtf8,
        _ if chunks.iter().all(fits) => DataType::Utf8,
        _ => DataType::LargeUtf8,
    }
}

/// How many bytes the texts of an array, or of its dictionary, have.
fn text_len(array: &ArrayRef) -> usize {
    fn spanned<O: OffsetSizeTrait>(offsets: &[O]) -> usize {
        let at = |offset: Option<&O>| offset.map_or(0, |offset| offset.as_usize());
        at(offsets.last()) - at(offsets.first())
    }
    match array.data_type() {
        DataType::Utf8 => spanned(array.as_string::<i32>().value_offsets()),
        DataType::LargeUtf8 => spanned(array.as_string::<i64>().value_offsets()),
        // The lower half of a view begins with its length.
        DataType::Utf8View => array.as_string_view().views().iter().map(|view| *view as u32 as usize).sum(),
        DataType::Dictionary(..) => text_len(array.as_any_dictionary().values()),
        _ => 0,
    }
}

struct Converter<'a, T, W> {
    by: &'a T,
    work: &'a W,
    errors: Errors,
    /// Values that were refused and are null now.
    refused: Vec<(usize, Failed)>,
}

impl<T, W: Work<T>> Converter<'_, T, W> {
    fn convert(&mut self, array: &ArrayRef, to: &DataType) -> Result<ArrayRef, (Failed, Option<usize>)> {
        match array.data_type() {
            DataType::Utf8 => self.strings(array.as_string::<i32>(), text_len(array), to),
            DataType::LargeUtf8 => self.strings(array.as_string::<i64>(), text_len(array), to),
            DataType::Utf8View => self.strings(array.as_string_view(), text_len(array), to),
            _ => Ok(new_null_array(to, array.len())),
        }
    }

    fn strings<'a, A>(&mut self, array: A, bytes: usize, to: &DataType) -> Result<ArrayRef, (Failed, Option<usize>)>
    where
        A: ArrayAccessor<Item = &'a str> + Copy,
    {
        match to {
            DataType::LargeUtf8 => self.build::<i64, A>(array, bytes),
            _ => self.build::<i32, A>(array, bytes),
        }
    }

    fn build<'a, O: OffsetSizeTrait, A>(&mut self, array: A, bytes: usize) -> Result<ArrayRef, (Failed, Option<usize>)>
    where
        A: ArrayAccessor<Item = &'a str> + Copy,
    {
        // Many views may show the same text, whose results need not fit all at once.
        let bytes = bytes.min(array.get_buffer_memory_size());
        let mut out = GenericStringBuilder::<O>::with_capacity(array.len(), W::room(bytes, array.len()));
        let mut results = W::Results::take();
        for start in (0..array.len()).step_by(PIECE) {
            let rows = start..array.len().min(start + PIECE);
            let texts = rows.clone().filter(|row| array.is_valid(*row)).map(|row| array.value(row));
            self.work.run(self.by, texts, &mut results).map_err(|error| (Failed::Core(error), None))?;
            let mut next = 0;
            for row in rows {
                if array.is_null(row) {
                    out.append_null();
                    continue;
                }
                next += 1;
                match results.get(next - 1) {
                    Ok(text) => out.append_value(text),
                    Err(error) if self.errors == Errors::Raise => return Err((Failed::Core(error), Some(row))),
                    Err(error) => {
                        self.refused.push((row, Failed::Core(error)));
                        out.append_null();
                    }
                }
            }
        }
        leave(results, bytes + array.len() * EACH);
        Ok(Arc::new(out.finish()))
    }
}

/// Every text of a chunk that this package made.
fn each_text(chunk: &ArrayRef, each: &mut dyn FnMut(Option<&str>) -> PyResult<()>) -> PyResult<()> {
    fn text(array: &ArrayRef, row: usize) -> Option<&str> {
        (array.is_valid(row)).then(|| match array.data_type() {
            DataType::LargeUtf8 => array.as_string::<i64>().value(row),
            _ => array.as_string::<i32>().value(row),
        })
    }
    if let Some(dictionary) = chunk.as_any_dictionary_opt() {
        // Of a dictionary without values, Arrow gives no keys.
        if dictionary.values().is_empty() {
            return (0..chunk.len()).try_for_each(|_| each(None));
        }
        let keys = dictionary.normalized_keys();
        for (row, key) in keys.into_iter().enumerate() {
            let value = if dictionary.keys().is_valid(row) { text(dictionary.values(), key) } else { None };
            each(value)?;
        }
        return Ok(());
    }
    (0..chunk.len()).try_for_each(|row| each(text(chunk, row)))
}
