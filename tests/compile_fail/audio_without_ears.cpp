// expect: gemma4: this variant has no audio tower, so its engine cannot take audio
#include <gemma4/api/media_towers.hpp>
#include <gemma4/formats/format_of.hpp>
#include <gemma4/spec/models.hpp>

using gemma4::modality;
constexpr auto media = modality::text | modality::image | (GEMMA4_FAIL ? modality::audio : modality::text);

// what engine<d31b, media> holds
constexpr auto size = sizeof(gemma4::media_towers<gemma4::d31b, media, gemma4::any_format>);
