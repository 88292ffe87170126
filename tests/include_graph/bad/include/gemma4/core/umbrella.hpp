#pragma once
#include <gemma4/gemma4.hpp>
