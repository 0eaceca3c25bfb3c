//! pelmeni-scheduler
