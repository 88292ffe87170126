// Which file or folder a path to a model means.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <gemma4/core/error.hpp>
#include <gemma4/core/separate.hpp>

namespace gemma4::inline v0
{
    enum class model_kind
    {
        folder,    // of a Hugging Face checkpoint
        gguf,      // any part of a split one names all
        packed     // io/packed_file.hpp
    };

    struct model_location
    {
        model_kind kind;
        std::filesystem::path path;
        std::filesystem::path mmproj{};         // of a GGUF file: the projector file that goes with it
        std::vector<std::string> warnings{};    // why a projector file is not used; one sentence each
    };

    // What every command and every function of this library that takes a path to a model opens:
    //
    //   a GGUF file or a packed file;
    //   a folder with model.safetensors or its index: a checkpoint;
    //   a folder with one GGUF model, split or not (LM Studio): that file, and the projector file beside it,
    //   where it is the only one and as wide as the model. Adapters, importance matrices and drafters
    //   (general.type, general.architecture) are no models;
    //   a folder of Hugging Face's cache (models--NAME--NAME): the snapshot that refs/main names, or the only
    //   one; any other folder: a checkpoint, which its files are missing of.
    //
    // Throws file_error: there is nothing of this name, a file of another kind (io/file_kind.hpp), or a
    // folder of which several models or none can be meant, all of them named.
    GEMMA4_CODE model_location locate_model(std::filesystem::path const& path);
}

#if !defined(GEMMA4_SEPARATE_KERNELS)
#include <gemma4/api/model_location_code.hpp>
#endif
