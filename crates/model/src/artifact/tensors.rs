//! The parts of a safetensors file, read one after the other, each into the memory that it stays in.

use std::collections::HashMap;
use std::io::Read;

use bytemuck::cast_slice_mut;
use safetensors::tensor::{Dtype, Metadata, TensorInfo};

use super::{ArtifactError, Digest, KEY, MOST_METADATA, digest, digest_at, foreign, inconsistent};

/// Most bytes of a header: the description, which escaping makes up to six times as long, and the
/// tensors' names and places.
const MOST_HEADER: u64 = 1 << 20;

/// What stands before the tensors.
pub(super) struct Head {
    /// The bytes, the length in front included.
    bytes: Vec<u8>,
    metadata: Metadata,
    /// Name, type, shape and bytes of each tensor, in the order of the file.
    tensors: Vec<(String, TensorInfo)>,
}

/// Numbers of a type that we use; bytes of any other.
pub(super) enum Numbers {
    U8(Vec<u8>),
    U32(Vec<u32>),
    F32(Vec<f32>),
    F64(Vec<f64>),
}

/// The tensors of a file whose digest is right.
pub(super) struct Tensors(HashMap<String, (TensorInfo, Numbers)>);

impl Head {
    /// Reads the head of a file of `len` bytes and checks that the tensors fill the rest of it, each
    /// byte once.
    pub(super) fn read(file: &mut impl Read, len: u64) -> Result<Self, ArtifactError> {
        let mut size = [0; 8];
        if len < 8 {
            return Err(foreign("it is too short for one"));
        }
        file.read_exact(&mut size)?;
        let header = u64::from_le_bytes(size);
        if header > MOST_HEADER || header > len - 8 {
            return Err(foreign(format_args!("its header would have {header} bytes")));
        }
        let mut bytes = vec![0; 8 + header as usize];
        bytes[..8].copy_from_slice(&size);
        file.read_exact(&mut bytes[8..])?;
        let metadata: Metadata = serde_json::from_slice(&bytes[8..]).map_err(foreign)?;
        let mut tensors: Vec<(String, TensorInfo)> =
            metadata.tensors().into_iter().map(|(name, info)| (name, info.clone())).collect();
        tensors.sort_by(|a, b| (a.1.data_offsets, &a.0).cmp(&(b.1.data_offsets, &b.0)));
        let mut next = 0;
        for (name, info) in &tensors {
            let (start, end) = info.data_offsets;
            let bits = info.shape.iter().try_fold(info.dtype.bitsize(), |n, &size| n.checked_mul(size));
            if start != next || end < start || bits != (end - start).checked_mul(8) {
                return Err(foreign(format_args!("tensor `{name}` is not where or as long as it says")));
            }
            next = end;
        }
        if (next as u64).checked_add(8 + header) != Some(len) {
            return Err(foreign(format_args!(
                "its parts would have {next} bytes, and it has {}",
                len - 8 - header
            )));
        }
        Ok(Self { bytes, metadata, tensors })
    }

    /// The JSON under our key.
    pub(super) fn description(&self) -> Result<&str, ArtifactError> {
        let json = self.metadata.metadata().as_ref().and_then(|all| all.get(KEY));
        let json = json.ok_or_else(|| foreign("its metadata has no key `sentimeter`"))?;
        if json.len() > MOST_METADATA {
            return Err(ArtifactError::Description { found: json.len() });
        }
        Ok(json)
    }

    /// Reads the rest of the file and checks the digest of all of it.
    pub(super) fn tensors(&self, mut file: impl Read) -> Result<(Tensors, Digest), ArtifactError> {
        let at = digest_at(&self.bytes)?;
        let mut tensors = HashMap::with_capacity(self.tensors.len());
        let found = digest(&self.bytes, at, |hasher| {
            for (name, info) in &self.tensors {
                let size = info.data_offsets.1 - info.data_offsets.0;
                let mut numbers = Numbers::zeros(info.dtype, size);
                file.read_exact(numbers.bytes())?;
                hasher.update_rayon(numbers.bytes());
                tensors.insert(name.clone(), (info.clone(), numbers));
            }
            Ok(())
        })?;
        let written = String::from_utf8_lossy(&self.bytes[at..at + 64]).into_owned();
        if found.to_string() != written {
            return Err(ArtifactError::Damaged { found: found.to_string(), written });
        }
        Ok((Tensors(tensors), found))
    }
}

impl Numbers {
    /// As many as have `size` bytes.
    fn zeros(dtype: Dtype, size: usize) -> Self {
        match dtype {
            Dtype::U32 => Self::U32(vec![0; size / 4]),
            Dtype::F32 => Self::F32(vec![0.0; size / 4]),
            Dtype::F64 => Self::F64(vec![0.0; size / 8]),
            _ => Self::U8(vec![0; size]),
        }
    }

    fn bytes(&mut self) -> &mut [u8] {
        match self {
            Self::U8(bytes) => bytes,
            Self::U32(numbers) => cast_slice_mut(numbers),
            Self::F32(numbers) => cast_slice_mut(numbers),
            Self::F64(numbers) => cast_slice_mut(numbers),
        }
    }
}

/// A type that tensors of ours have.
pub(super) trait Number: Sized {
    const DTYPE: Dtype;
    fn of(numbers: Numbers) -> Option<Vec<Self>>;
}

macro_rules! number {
    ($($type:ty, $variant:ident;)*) => {$(
        impl Number for $type {
            const DTYPE: Dtype = Dtype::$variant;
            fn of(numbers: Numbers) -> Option<Vec<Self>> {
                match numbers {
                    Numbers::$variant(numbers) => Some(numbers),
                    _ => None,
                }
            }
        }
    )*};
}

number! {
    u8, U8;
    u32, U32;
    f32, F32;
    f64, F64;
}

impl Tensors {
    /// Whether `name` is there to be taken.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Takes the tensor `name` of shape `[n, rest…]`, whatever `n`, row-major.
    pub(super) fn take<T: Number>(&mut self, name: &str, rest: &[usize]) -> Result<Vec<T>, ArtifactError> {
        let (info, numbers) =
            self.0.remove(name).ok_or_else(|| inconsistent(format!("a tensor `{name}`")))?;
        if info.dtype != T::DTYPE {
            return Err(inconsistent(format!("`{name}` of type {:?}, not {:?}", T::DTYPE, info.dtype)));
        }
        if info.shape.get(1..) != Some(rest) {
            let want: String = rest.iter().map(|n| format!(", {n}")).collect();
            return Err(inconsistent(format!("`{name}` of shape [n{want}], not {:?}", info.shape)));
        }
        T::of(numbers).ok_or_else(|| inconsistent(format!("`{name}` of type {:?}", T::DTYPE)))
    }
}
