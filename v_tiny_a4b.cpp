#include <gemma4/api/any_model.hpp>
#include <gemma4/spec/tiny.hpp>
template std::unique_ptr<gemma4::any_model> gemma4::load_any<gemma4::tiny_a4b>(gemma4::opened_checkpoint, gemma4::load_options);
