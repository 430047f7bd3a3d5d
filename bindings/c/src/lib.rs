//! The agent's end for C and C++ (include/blindtally.h).
