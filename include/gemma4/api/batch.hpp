// Several generations that step together: weights are read once for all of them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <exception>
#include <span>
#include <utility>
#include <vector>

#include <gemma4/api/generation.hpp>

namespace gemma4::inline v0
{
    // Generations of one engine, each of a session of its own, join and leave between steps. Each keeps its
    // own sampler, stops, cancel and text; its tokens are the same bits as alone.
    template <class Engine>
    class batch
    {
        using M = typename Engine::variant;

    public:
        explicit batch(Engine engine)
            : m_engine(std::move(engine))
        {}

        // From the next step on. The generation must stay where it is until it has ended or left.
        void join(basic_generation<Engine>& one) { m_members.push_back(&one); }

        void leave(basic_generation<Engine>& one) { std::erase(m_members, &one); }

        std::size_t size() const noexcept { return m_members.size(); }

        // One forward call for every generation that runs: those that decode bring one token each, prompts
        // fill the rest of the chunk. Ended ones leave. Returns whether any is left. What a host's logits
        // processor throws, and the numeric_error of one member, is thrown when every member has had its
        // step; that one has ended as cancelled.
        bool step()
        {
            std::erase_if(m_members, [](auto const* m) { return !m->running(); });
            // a cancelled member ends without holding up the others
            for (auto* const m : m_members)
            {
                if (m->stop_token().stop_requested()) { m->end_step(0, false); }
            }
            std::erase_if(m_members, [](auto const* m) { return !m->running(); });
            if (m_members.empty()) { return false; }

            // Those with one token waiting go first: a long prompt must not make the others wait.
            std::stable_sort(m_members.begin(), m_members.end(),
                             [](auto const* a, auto const* b) { return a->waiting() < b->waiting(); });
            auto rows = m_engine.options().chunk;
            std::vector<sequence_step<M>> steps;
            std::vector<basic_generation<Engine>*> stepping, wanting;
            for (auto* const m : m_members)
            {
                if (rows == 0) { break; }
                steps.push_back(m->begin_step(rows));
                stepping.push_back(m);
                rows -= std::min(rows, steps.back().tokens.size());
                if (steps.back().wanted != wanted_logits::none) { wanting.push_back(m); }
            }
            auto const before = steps.front().past->size();
            bool done = false;
            std::exception_ptr overflow;
            try
            {
                done = m_engine.step(std::span<sequence_step<M> const>(steps),
                                     [&](std::size_t row, std::span<float> logits)
                                     { wanting[row]->take(logits); });
            }
            catch (numeric_error const&)
            {
                overflow = std::current_exception();
            }
            std::rotate(m_members.begin(), m_members.begin() + std::ptrdiff_t(stepping.size()),
                        m_members.end());
            // Then each runs alone, and only those whose numbers are out of range fail.
            bool const nothing_moved = overflow && steps.front().past->size() == before;
            done = done || overflow;
            std::exception_ptr failure;
            for (std::size_t i = 0; i != stepping.size(); ++i)
            {
                try
                {
                    if (nothing_moved)
                    {
                        stepping[i]->advance(steps[i].tokens.size());
                        continue;
                    }
                    if (overflow && steps[i].wanted != wanted_logits::none && !stepping[i]->taken())
                    {
                        stepping[i]->fail(overflow);
                    }
                    stepping[i]->end_step(steps[i].tokens.size(), done);
                }
                catch (...)
                {
                    failure = std::current_exception();
                }
            }
            std::erase_if(m_members, [](auto const* m) { return !m->running(); });
            if (failure) { std::rethrow_exception(failure); }
            return !m_members.empty();
        }

        // Steps until every member has ended.
        void run()
        {
            while (step()) {}
        }

    private:
        Engine m_engine;
        std::vector<basic_generation<Engine>*> m_members;
    };
}
