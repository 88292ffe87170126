#pragma once
#include <gemma4/spec/hasty.hpp>
