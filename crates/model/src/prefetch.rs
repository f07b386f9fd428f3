//! Memory that will be needed soon.

/// Has the cache line of `items[at]` fetched; nothing happens where there is no such item.
///
/// A load would do the same, but the processor cannot finish what comes after a load before it has
/// arrived, and so waits for some ten of them at a time. These it forgets at once.
#[allow(unsafe_code)]
#[inline(always)]
pub(crate) fn prefetch<T>(items: &[T], at: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch reads nothing that anyone sees, and faults at no address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(items.as_ptr().wrapping_add(at).cast()) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    std::hint::black_box(items.get(at).is_some());
}
