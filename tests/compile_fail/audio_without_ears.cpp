// expect: gemma4: this variant has no audio tower, so its engine cannot take audio
#include <gemma4/api/engine.hpp>
#include <gemma4/spec/models.hpp>

using gemma4::modality;
#if GEMMA4_FAIL
using model = gemma4::engine<gemma4::d31b, modality::text | modality::image | modality::audio>;
#else
using model = gemma4::engine<gemma4::d31b, modality::text | modality::image>;
#endif

gemma4::soft_tokens see(model const& model, gemma4::image_patches const& image) { return model.encode(image); }
