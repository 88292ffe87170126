// Nothing: the target is there for its precompiled header (tests/CMakeLists.txt).
