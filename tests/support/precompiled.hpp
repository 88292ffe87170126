// What the sources of most tests begin with (tests/CMakeLists.txt). They include what they use all the same.
#pragma once

#include "support/tiny_models.hpp"
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <gemma4/api/session.hpp>
