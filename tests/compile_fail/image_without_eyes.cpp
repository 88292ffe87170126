// expect: gemma4: this variant has no vision tower, so its engine cannot take images
#include <gemma4/api/engine.hpp>
#include <gemma4/spec/tiny.hpp>

struct variant    // a user's, of text only
{
    static constexpr char const* name = "variant";
    static constexpr gemma4::text_config text = gemma4::tiny_d31b::text;
#if !GEMMA4_FAIL
    static constexpr gemma4::vision_config vision = gemma4::tiny_d31b::vision;
#endif
};

using model = gemma4::engine<variant, gemma4::modality::text | gemma4::modality::image>;

gemma4::soft_tokens see(model const& model, gemma4::image_patches const& image) { return model.encode(image); }
