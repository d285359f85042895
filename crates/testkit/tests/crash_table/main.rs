//! The crash tables of ARCHITECTURE.md, cell by cell: the real app on the model stores dies at a point, then something comes,
//! and the end is what the table says.

mod holding;
mod payer;
mod paying;
mod periods;
mod placing;
mod scene;
mod table;
