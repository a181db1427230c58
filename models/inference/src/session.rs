//! One network in ONNX Runtime, on the execution provider that really runs it.
//!
//! The network has one input, a row of floats, and any outputs of floats. It runs on one thread: at batch 1 a second
//! thread only costs.

use core::fmt;
use core::str::FromStr;

use ort::ep::CUDA;
use ort::memory::Allocator;
use ort::session::Session;
use ort::session::builder::SessionBuilder;
use ort::value::{Outlet, Tensor, TensorElementType, ValueType};

use crate::contract::Port;
use crate::library::{Library, one_line};

/// Which execution provider is wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// CUDA where it can be had, else the CPU, and the reason is kept.
    #[default]
    Auto,
    /// CUDA or nothing.
    Cuda,
    /// The CPU.
    Cpu,
}

impl Provider {
    /// Its name in lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Cuda => "cuda",
            Self::Cpu => "cpu",
        }
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl FromStr for Provider {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = [Self::Auto, Self::Cuda, Self::Cpu].into_iter().find(|known| known.name() == text);
        known.ok_or_else(|| format!("no provider is called {text:?}; it is auto, cuda or cpu"))
    }
}

/// Why a network cannot be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionError {
    /// The library does not take the network: damaged, an unknown operator, a newer format.
    Rejected(String),
    /// CUDA was asked for and cannot be had.
    NoCuda(String),
}

/// A network ready to run.
#[derive(Debug)]
pub struct OnnxSession {
    session: Session,
    input: Tensor<f32>,
    running: &'static str,
    reason: String,
}

impl OnnxSession {
    /// Opens the network in `bytes` on `provider`.
    ///
    /// A provider that merely says it is there is not believed: CUDA runs only when a session on it was made, with
    /// every operator of the network on it.
    ///
    /// # Errors
    /// [`SessionError`] when the library refuses the network, it has not one row of floats as its input, or
    /// [`Provider::Cuda`] cannot be had.
    pub fn open(library: &Library, bytes: &[u8], provider: Provider) -> Result<Self, SessionError> {
        if provider == Provider::Cpu {
            return Self::on_cpu(library, bytes, String::new());
        }
        match (Self::on_cuda(library, bytes), provider) {
            (Ok(session), _) => Ok(session),
            (Err(reason), Provider::Auto | Provider::Cpu) => Self::on_cpu(library, bytes, reason),
            (Err(reason), Provider::Cuda) => {
                // A network that does not run anywhere is not CUDA's fault.
                Self::on_cpu(library, bytes, String::new())?;
                Err(SessionError::NoCuda(reason))
            }
        }
    }

    fn on_cpu(library: &Library, bytes: &[u8], reason: String) -> Result<Self, SessionError> {
        let session = builder(library).and_then(|mut builder| builder.commit_from_memory(bytes));
        let session = session.map_err(|error| SessionError::Rejected(one_line(error.message())))?;
        Self::of(session, "cpu", reason).map_err(SessionError::Rejected)
    }

    fn on_cuda(library: &Library, bytes: &[u8]) -> Result<Self, String> {
        // Full 32-bit precision: with TF32 an answer would differ from the CPU's in the third digit.
        let cuda = CUDA::default().with_tf32(false).build().error_on_failure();
        let session = builder(library).and_then(|builder| {
            let builder = builder.with_execution_providers([cuda])?;
            builder.with_disable_cpu_fallback()?.commit_from_memory(bytes)
        });
        let session = session.map_err(|error| one_line(error.message()))?;
        let mut session = Self::of(session, "cuda", String::new())?;
        // Kernels are loaded by the first run, and may be missing for the device at hand.
        let zeros = vec![0.0; session.input.shape().num_elements()];
        session.run(zeros.into_iter(), &mut [])?;
        Ok(session)
    }

    fn of(session: Session, running: &'static str, reason: String) -> Result<Self, String> {
        let inputs = ports(session.inputs());
        let [Port { shape: Some(shape), .. }] = inputs.as_slice() else {
            let found: Vec<String> = inputs.iter().map(Port::to_string).collect();
            return Err(format!("its inputs are {}, expected one row of floats", found.join(", ")));
        };
        if !matches!(shape.as_slice(), [1, size] if *size > 0) {
            return Err(format!("the shape of its input is {shape:?}, expected a row [1, n]"));
        }
        let input = Tensor::new(&Allocator::default(), shape.as_slice());
        let input = input.map_err(|error| one_line(error.message()))?;
        Ok(Self { session, input, running, reason })
    }

    /// The provider that really runs: `cuda` or `cpu`.
    #[must_use]
    pub const fn running(&self) -> &'static str {
        self.running
    }

    /// Why CUDA does not run though it would have been taken; empty when there is nothing to say.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// Its inputs.
    #[must_use]
    pub fn inputs(&self) -> Vec<Port> {
        ports(self.session.inputs())
    }

    /// Its outputs.
    #[must_use]
    pub fn outputs(&self) -> Vec<Port> {
        ports(self.session.outputs())
    }

    /// Runs the network on `features` and copies the output called `name` of each of `outputs` into its vector.
    ///
    /// # Errors
    /// What the library says, in one line; also when the number of features or the name of an output is wrong.
    pub fn run(
        &mut self,
        features: impl ExactSizeIterator<Item = f32>,
        outputs: &mut [(&str, Vec<f32>)],
    ) -> Result<(), String> {
        let (_, row) = self.input.extract_tensor_mut();
        if row.len() != features.len() {
            return Err(format!(
                "{} features were given to a network that reads {}",
                features.len(),
                row.len()
            ));
        }
        row.iter_mut().zip(features).for_each(|(place, feature)| *place = feature);
        let answer =
            self.session.run(ort::inputs![&self.input]).map_err(|error| one_line(error.message()))?;
        for (name, values) in outputs {
            let output = answer.get(*name).ok_or_else(|| format!("the network has no output {name}"))?;
            let (_, found) = output.try_extract_tensor::<f32>().map_err(|error| one_line(error.message()))?;
            values.clear();
            values.extend_from_slice(found);
        }
        Ok(())
    }
}

fn builder(library: &Library) -> Result<SessionBuilder, ort::Error> {
    let builder = Session::builder(&library.environment)?.with_intra_threads(1)?.with_inter_threads(1)?;
    Ok(builder.with_deterministic_compute(true)?)
}

fn ports(outlets: &[Outlet]) -> Vec<Port> {
    let port = |outlet: &Outlet| {
        let shape = match outlet.dtype() {
            ValueType::Tensor { ty: TensorElementType::Float32, shape, .. } => Some(shape.to_vec()),
            ValueType::Tensor { .. }
            | ValueType::Sequence(_)
            | ValueType::Map { .. }
            | ValueType::Optional(_) => None,
        };
        Port { name: outlet.name().to_owned(), shape }
    };
    outlets.iter().map(port).collect()
}
