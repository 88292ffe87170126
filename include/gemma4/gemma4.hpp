// gemma4: Google's Gemma 4 models on CPUs, specialised by the compiler. Includes only.
#pragma once

#include <gemma4/api/any_model.hpp>
#include <gemma4/api/batch.hpp>
#include <gemma4/api/engine.hpp>
#include <gemma4/api/session.hpp>
#include <gemma4/api/typed_answer.hpp>
#include <gemma4/spec/models.hpp>
