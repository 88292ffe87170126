// Every command of gemma4 for a model that the library does not know: Gemma 3 270M, from a GGUF file.
//
//     gemma3_270m run --model gemma3-270m.gguf --prompt "Photosynthesis is"
#include <gemma4_gemma3_270m_variants.hpp>

#include <gemma4/cli/program.hpp>

int main(int argc, char** argv) { return gemma4::program<gemma3_270m>(argc, argv); }
