//! Wire records to compiled providers, with findings.
