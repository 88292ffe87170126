// expect: gemma4: this variant has no vision tower, so its engine cannot take images
#include <gemma4/api/media_towers.hpp>
#include <gemma4/formats/format_of.hpp>
#include <gemma4/spec/tiny.hpp>

struct variant    // a user's
{
    static constexpr char const* name = "variant";
    static constexpr gemma4::text_config text = gemma4::tiny_d31b::text;
#if !GEMMA4_FAIL
    static constexpr gemma4::vision_config vision = gemma4::tiny_d31b::vision;
#endif
};

// what engine<variant, text | image> holds
constexpr auto media = gemma4::modality::text | gemma4::modality::image;
constexpr auto size = sizeof(gemma4::media_towers<variant, media, gemma4::any_format>);
