//! pelmeni
