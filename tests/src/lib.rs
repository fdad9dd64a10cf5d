//! Nothing here: see the files beside `src`.
