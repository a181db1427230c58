//! Knowledge of a struct, field by field.

/// Implements [`Learned`](crate::knowledge::Learned) for a struct: its settings are compared; its values, its counts (to
/// which one will be added) and its parts are written and taken back, in this order. Fields that are neither are work space, or follow from the others.
#[macro_export]
macro_rules! learned {
    ($type:ty {
        $(settings: [$($setting:ident),* $(,)?] $(,)?)?
        $(values: [$($value:ident),* $(,)?] $(,)?)?
        $(counts: [$($count:ident),* $(,)?] $(,)?)?
        $(parts: [$($part:ident),* $(,)?] $(,)?)?
    }) => {
        impl $crate::knowledge::Learned for $type {
            fn note(&self, notes: &mut $crate::knowledge::NoteWriter) {
                $($(notes.setting(&self.$setting);)*)?
                $($(notes.value(&self.$value);)*)?
                $($(notes.value(&self.$count);)*)?
                $($(notes.part(&self.$part);)*)?
            }

            fn recall(
                &mut self,
                notes: &mut $crate::knowledge::NoteReader<'_>,
            ) -> Result<(), $crate::knowledge::Forgotten> {
                $($(notes.setting(&self.$setting)?;)*)?
                $($(self.$value = notes.value()?;)*)?
                $($(self.$count = notes.count()?;)*)?
                $($(notes.part(&mut self.$part)?;)*)?
                Ok(())
            }
        }
    };
}

/// Answers `learned` and `learned_mut` of a strategy, signal or detector that implements
/// [`Learned`](crate::knowledge::Learned).
#[macro_export]
macro_rules! can_be_taken_up {
    () => {
        fn learned(&self) -> Option<&dyn $crate::knowledge::Learned> {
            Some(self)
        }

        fn learned_mut(&mut self) -> Option<&mut dyn $crate::knowledge::Learned> {
            Some(self)
        }
    };
}
