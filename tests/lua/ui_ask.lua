--- The float of a permission question: how it opens, is reached, answered, put off and withdrawn.

local asking = require('support.asking')
local child = require('support.child')
local test, equal, contains, lacks = child.test, child.equal, child.contains, child.lacks
local permission, question, clock, focus =
  asking.permission, asking.question, asking.clock, asking.focus

local T = {}

local FLOATS = [[#vim.tbl_filter(function(win)
  return vim.api.nvim_win_get_config(win).relative ~= ''
end, vim.api.nvim_tabpage_list_wins(0))]]

T['a question opens without the focus and says how it is reached'] = test(nil, function(nvim)
  local before = nvim:get('vim.api.nvim_get_current_win()')
  permission(nvim, { reason = 'Not allowed so far' })
  local screen = nvim:screen()
  for _, part in ipairs({
    'claude asks: Bash',
    '$ make test',
    '1 Yes, once',
    '3 No',
    'Not allowed so far',
    ':Agor permit',
  }) do
    contains(screen, part)
  end
  equal(nvim:get('vim.api.nvim_get_current_win()'), before)
  equal(nvim:mode(), 'n')
end)

T['the rest of a long choice stands below its label'] = test(nil, function(nvim)
  local label = 'Allow ' .. ('all edits '):rep(8) .. 'and access to /etc'
  local options = { { option_id = 'y', name = label, kind = 'allow_once' } }
  permission(nvim, { options = options })
  local columns = nvim:get([=[vim.iter(vim.api.nvim_list_wins()):filter(function(win)
    return vim.bo[vim.api.nvim_win_get_buf(win)].filetype == 'agor-question'
  end):map(function(win)
    local row = vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf(win), 0, 1, false)[1]
    local from, to = row:find('Allow'), row:find('/etc')
    local first, last = vim.fn.screenpos(win, 1, from), vim.fn.screenpos(win, 1, to)
    local words = {}
    for at in row:gmatch('()%S+') do
      local place = vim.fn.screenpos(win, 1, at)
      words[place.row] = math.min(words[place.row] or 999, place.col)
    end
    return { first.col, words[last.row], last.row - first.row }
  end):totable()[1]]=])
  equal(columns[1], columns[2])
  equal(columns[3] > 0, true)
end)

T['a title that the text begins with is not said twice'] = test(nil, function(nvim)
  permission(nvim)
  local _, count = nvim:screen():gsub('make test', '')
  equal(count, 1)
  permission(nvim, { session_id = 's0', request_id = 'r0', title = 'src/a.rs', lines = { '+ x' } })
  nvim:lua('require("agor.ui.ask").on_closed({ session_id = "s1", request_id = "r1" })')
  contains(nvim:screen(), 'src/a.rs')
end)

T['a command of several lines is not begun twice'] = test(nil, function(nvim)
  permission(nvim, { title = 'set -e…', lines = { 'set -e', 'make' } })
  local _, count = nvim:screen():gsub('set %-e', '')
  equal(count, 1)
end)

T['colours of the code come after the question and take the place of what was marked'] = test(
  nil,
  function(nvim)
    permission(
      nvim,
      { lines = { 'a', 'b' }, marks = { { 0, 0, 1, 'AgorCode' }, { 1, 0, 1, 'AgorDim' } } }
    )
    nvim:lua([[require('agor.ui.ask').on_coloured({
      session_id = 's1', request_id = 'r1', rows = 1, marks = { { 0, 0, 1, '@keyword' } },
    })]])
    nvim:lua(
      [[require('agor.ui.ask').on_coloured({ session_id = 's1', request_id = 'r9', rows = 1, marks = {} })]]
    )
    local groups = nvim:get([[(function()
      local ns, out = vim.api.nvim_get_namespaces().agor_ask, {}
      for _, buf in ipairs(vim.api.nvim_list_bufs()) do
        if vim.bo[buf].filetype == 'agor-question-text' then
          for _, mark in ipairs(vim.api.nvim_buf_get_extmarks(buf, ns, 0, -1, { details = true })) do
            out[#out + 1] = mark[4].hl_group
          end
        end
      end
      return out
    end)()]])
    equal(vim.tbl_contains(groups, 'AgorCode'), false)
    equal(vim.tbl_contains(groups, '@keyword') and vim.tbl_contains(groups, 'AgorDim'), true)
  end
)

T['its keys do nothing without the focus'] = test(nil, function(nvim)
  permission(nvim)
  nvim:type('1<CR>j3<CR>')
  equal(nvim:get('T.answers'), {})
end)

T['the hint names the key that the user mapped'] = test(nil, function(nvim)
  nvim:cmd('nmap ,p <Plug>(agor-permit)')
  permission(nvim)
  contains(nvim:screen(), ',p or :Agor permit')
end)

T['digits answer in the order shown, and the cursor goes back'] = test(nil, function(nvim)
  clock(nvim)
  local before = nvim:get('vim.api.nvim_get_current_win()')
  permission(nvim)
  focus(nvim)
  equal(nvim:get('vim.bo.filetype'), 'agor-question')
  nvim:type('3')
  equal(nvim:get('T.answers'), { { session = 's1', request = 'r1', option = 'no', opts = {} } })
  equal(nvim:get(FLOATS), 0)
  equal(nvim:get('vim.api.nvim_get_current_win()'), before)
end)

T['j, k and CR choose too'] = test(nil, function(nvim)
  clock(nvim)
  permission(nvim)
  focus(nvim)
  contains(nvim:screen(), '❯ 1 Yes, once')
  nvim:type('jjk')
  contains(nvim:screen(), '❯ 2 Yes, always')
  nvim:type('<CR>')
  equal(nvim:get('T.answers[1].option'), 'always')
end)

T['the cursor begins at what is allowed once, wherever the agent has put it'] = test(
  nil,
  function(nvim)
    clock(nvim)
    permission(nvim, { options = { asking.OPTIONS[2], asking.OPTIONS[1], asking.OPTIONS[3] } })
    focus(nvim)
    contains(nvim:screen(), '❯ 2 Yes, once')
    nvim:type('<CR>')
    equal(nvim:get('T.answers[1].option'), 'yes')
    permission(nvim, { request_id = 'r2', options = { asking.OPTIONS[2], asking.OPTIONS[3] } })
    focus(nvim)
    contains(nvim:screen(), '❯ 1 Yes, always')
  end
)

T['keys in the first 300 ms of the focus do nothing'] = test(nil, function(nvim)
  clock(nvim)
  permission(nvim)
  nvim:lua('require("agor.ui.ask").focus() Now = 299')
  nvim:type('1')
  nvim:type('jq<CR>r')
  equal(nvim:get('T.answers'), {})
  equal(nvim:get(FLOATS), 2)
  nvim:lua('Now = 301')
  nvim:type('1')
  equal(nvim:get('T.answers[1].option'), 'yes')
end)

T['keys in the first 300 ms after the content changed do nothing'] = test(nil, function(nvim)
  clock(nvim)
  permission(nvim)
  permission(nvim, { request_id = 'r2', title = 'rm -rf /', lines = { '$ rm -rf /' } })
  focus(nvim)
  nvim:type('1')
  contains(nvim:screen(), 'rm -rf /')
  nvim:type('1')
  equal(#nvim:get('T.answers'), 1)
  nvim:lua('Now = Now + 301')
  nvim:type('3')
  equal(nvim:get('T.answers[2]'), { session = 's1', request = 'r2', option = 'no', opts = {} })
end)

T['the same when the question under the cursor is withdrawn'] = test(nil, function(nvim)
  clock(nvim)
  permission(nvim)
  permission(nvim, { request_id = 'r2', title = 'second', lines = { '$ second' } })
  focus(nvim)
  nvim:lua(
    'require("agor.ui.ask").on_closed({ session_id = "s1", request_id = "r1", outcome = "cancelled" })'
  )
  nvim:settle()
  contains(nvim:screen(), '$ second')
  nvim:type('1')
  equal(nvim:get('T.answers'), {})
end)

T['several wait in order over all sessions'] = test(nil, function(nvim)
  permission(nvim)
  permission(nvim, { session_id = 's2', request_id = 'r2', lines = { '$ second' } })
  permission(nvim, { request_id = 'r3', lines = { '$ third' } })
  contains(nvim:screen(), '1 of 3')
  nvim:lua('require("agor.ui.ask").on_closed({ session_id = "s1", request_id = "r1" })')
  nvim:settle()
  contains(nvim:screen(), '1 of 2')
  contains(nvim:screen(), '$ second')
  nvim:lua('require("agor.ui.ask").on_closed({ session_id = "s1", request_id = "r3" })')
  nvim:settle()
  lacks(nvim:screen(), '1 of')
  nvim:lua('require("agor.ui.ask").on_closed({ session_id = "s2", request_id = "r2" })')
  nvim:settle()
  equal(nvim:get(FLOATS), 0)
end)

T['a request that comes twice is asked once'] = test(nil, function(nvim)
  permission(nvim)
  permission(nvim)
  equal(nvim:get('require("agor.ui.ask").count()'), 1)
end)

T['r refuses with the reason word for word'] = test(nil, function(nvim)
  clock(nvim)
  permission(nvim)
  focus(nvim)
  nvim:type('r')
  nvim:type('use "just" & not %make|<CR>')
  equal(nvim:get('T.answers'), {
    {
      session = 's1',
      request = 'r1',
      option = 'no',
      opts = { message = 'use "just" & not %make|' },
    },
  })
end)

T['giving up the reason leaves the question'] = test(nil, function(nvim)
  clock(nvim)
  permission(nvim)
  focus(nvim)
  nvim:type('r')
  nvim:type('x<Esc>')
  equal(nvim:get('T.answers'), {})
  equal(nvim:get('vim.bo.filetype'), 'agor-question')
  nvim:lua('Now = Now + 301')
  nvim:type('1')
  equal(nvim:get('T.answers[1].option'), 'yes')
end)

T['without an option to refuse, r cancels'] = test(nil, function(nvim)
  clock(nvim)
  permission(nvim, { options = { asking.OPTIONS[1] } })
  focus(nvim)
  nvim:type('r')
  nvim:type('no<CR>')
  equal(nvim:get('T.answers[1].opts'), { cancel = true, message = 'no' })
end)

T['q postpones, and permit brings it back'] = test(nil, function(nvim)
  clock(nvim)
  local before = nvim:get('vim.api.nvim_get_current_win()')
  permission(nvim)
  focus(nvim)
  nvim:type('q')
  equal(nvim:get(FLOATS), 0)
  equal(nvim:get('vim.api.nvim_get_current_win()'), before)
  equal(nvim:get('require("agor.ui.ask").count()'), 1)
  focus(nvim)
  nvim:type('1')
  equal(nvim:get('T.answers[1].option'), 'yes')
end)

T['leaving postpones'] = test(nil, function(nvim)
  clock(nvim)
  permission(nvim)
  focus(nvim)
  nvim:type('<C-w>p')
  equal(nvim:get(FLOATS), 0)
  equal(nvim:get('require("agor.ui.ask").count()'), 1)
end)

T['the users own window commands reach it'] = test(nil, function(nvim)
  clock(nvim)
  permission(nvim)
  nvim:type('<C-w>w')
  equal(nvim:get('vim.bo.filetype'), 'agor-question')
  nvim:type('1')
  equal(nvim:get('T.answers'), {})
  nvim:lua('Now = 301')
  nvim:type('1')
  equal(nvim:get('T.answers[1].option'), 'yes')
end)

T['permit n answers from anywhere'] = test(nil, function(nvim)
  permission(nvim)
  permission(nvim, { session_id = 's2', request_id = 'r2' })
  equal(
    nvim:get('{ require("agor.ui.ask").focus(4) }'),
    { false, 'This question has the options 1 to 3' }
  )
  nvim:lua('require("agor.ui.ask").focus(2)')
  equal(nvim:get('T.answers'), { { session = 's1', request = 'r1', option = 'always', opts = {} } })
  nvim:lua('require("agor.ui.ask").focus(1)')
  equal(nvim:get('T.answers[2].request'), 'r2')
  equal(nvim:get('{ require("agor.ui.ask").focus(1) }'), { false, 'No question is open' })
  equal(nvim:get('{ require("agor.ui.ask").focus() }'), { true })
  equal(nvim:get('T.messages[#T.messages][2]'), 'nothing waits for you')
end)

T['an answer that is refused leaves the question and says why'] = test(nil, function(nvim)
  clock(nvim)
  permission(nvim)
  focus(nvim)
  nvim:lua('T.refuse = "that is settled"')
  nvim:type('1')
  equal(nvim:get('T.messages'), { { 'error', 'that is settled' } })
  equal(nvim:get('require("agor.ui.ask").count()'), 1)
end)

T['an answer that the backend refuses later brings the question back'] = test(nil, function(nvim)
  clock(nvim)
  permission(nvim)
  permission(nvim, { request_id = 'r2' })
  focus(nvim)
  nvim:type('1')
  equal(nvim:get('require("agor.ui.ask").count()'), 1)
  nvim:lua('require("agor.ui.ask").on_refused({ session_id = "s1", request_id = "r1" })')
  nvim:settle()
  equal(nvim:get('require("agor.ui.ask").count()'), 2)
  -- What was closed meanwhile stays closed.
  nvim:lua([[
    require("agor.ui.ask").focus(1)
    require("agor.ui.ask").on_closed({ session_id = "s1", request_id = "r1" })
    require("agor.ui.ask").on_refused({ session_id = "s1", request_id = "r1" })
  ]])
  equal(nvim:get('require("agor.ui.ask").count()'), 1)
end)

local UNSAFE = {
  ['insert mode'] = { 'i', '<Esc>' },
  ['visual mode'] = { 'v', '<Esc>' },
  ['operator-pending mode'] = { 'd', '<Esc>' },
  ['the command line'] = { ':', '<Esc>' },
  ['a macro being recorded'] = { 'qa', 'q' },
  ['the command-line window'] = { 'q:', ':q<CR>' },
  ['replace mode'] = { 'R', '<Esc>' },
  ['terminal mode'] = { ':terminal cat<CR>i', '<C-\\><C-n>' },
}

for name, keys in pairs(UNSAFE) do
  T['it does not open in ' .. name .. ', tells once, and opens afterwards'] = test(
    nil,
    function(nvim)
      nvim:type(keys[1])
      nvim:lua([[
      T.session('s1')
      require('agor.ui.ask').on_permission({
        session_id = 's1', request_id = 'r1', tool = 'Bash', title = 'make', input = {}, lines = {}, marks = {},
        options = { { option_id = 'y', name = 'Yes', kind = 'allow_once' } },
      })
    ]])
      local mode = nvim:mode()
      equal(nvim:get(FLOATS), 0)
      equal(nvim:mode(), mode)
      equal(#nvim:get('T.messages'), 1)
      contains(nvim:get('T.messages[1][2]'), ':Agor permit')
      nvim:type(keys[2])
      nvim:wait(FLOATS .. ' == 2')
      equal(#nvim:get('T.messages'), 1)
      equal(nvim:get('vim.bo.filetype == "agor-question"'), false)
    end
  )
end

T['it does not open while a macro runs'] = test(nil, function(nvim)
  nvim:lua([[
    T.session('s1')
    vim.keymap.set('n', 'X', function()
      require('agor.ui.ask').on_permission({
        session_id = 's1', request_id = 'r1', tool = 'Bash', title = 'make', input = {}, lines = {}, marks = {},
        options = { { option_id = 'y', name = 'Yes', kind = 'allow_once' } },
      })
      Inside = #vim.api.nvim_list_wins()
    end)
    vim.fn.setreg('a', 'X')
  ]])
  nvim:type('@a')
  equal(nvim:get('Inside'), 1)
  nvim:wait(FLOATS .. ' == 2')
end)

T['it stands beside the transcript, on top of a pane at the bottom'] = function()
  for _, size in ipairs({ { 160, 40 }, { 80, 24 } }) do
    test({ columns = size[1], lines = size[2] }, function(nvim)
      nvim:lua('T.session("s1") require("agor.ui.pane").open("s1")')
      local long = {}
      for i = 1, 60 do
        long[i] = '+ line ' .. i
      end
      permission(nvim, { lines = long })
      local screen = nvim:screen()
      contains(screen, '3 No')
      contains(screen, 'more lines')
      contains(screen, '+ line 1')
      contains(screen, 'Ask claude')
      if size[1] == 160 then
        local left = nvim:get('vim.api.nvim_win_get_position(vim.fn.bufwinid("agor://s1"))[2]')
        nvim:lua(
          [[
          for _, win in ipairs(vim.api.nvim_list_wins()) do
            local c = vim.api.nvim_win_get_config(win)
            if c.relative ~= '' then
              assert(c.col + c.width + 2 <= ..., 'over the transcript')
            end
          end
        ]],
          left
        )
      end
      clock(nvim)
      focus(nvim)
      nvim:type('<C-d><C-d><C-d><C-d><C-d><C-d><C-d><C-d><C-d><C-d><C-d><C-d><C-d><C-d><C-d>')
      contains(nvim:screen(), '+ line 60')
      contains(nvim:screen(), '3 No')
    end)()
  end
end

T['CR on the question in the transcript gives it the focus'] = test(nil, function(nvim)
  nvim:lua([[
    T.session('s1')
    require('agor.ui.pane').open('s1')
    T.paint('s1', { 'a', 'asks', 'b', 'c' }, { { 'anchor', 1, 'question', 'r1' }, { 'anchor', 3, 'turn', '2' } })
  ]])
  permission(nvim)
  nvim:lua('vim.api.nvim_set_current_win(vim.fn.bufwinid("agor://s1"))')
  nvim:type('4G<CR>')
  equal(nvim:get('#T.told("fold")'), 1)
  nvim:type('2G<CR>')
  equal(nvim:get('vim.bo.filetype'), 'agor-question')
  equal(nvim:get('#T.told("fold")'), 1)
end)

T['floats survive an editor resize and a change of the tabpage'] = test(nil, function(nvim)
  permission(nvim)
  nvim:cmd('set columns=90 lines=20')
  nvim:settle()
  contains(nvim:screen(), '3 No')
  nvim:cmd('tabnew')
  nvim:settle()
  contains(nvim:screen(), '3 No')
  equal(nvim:get(FLOATS), 2)
end)

T['the float closed by hand comes back with permit'] = test(nil, function(nvim)
  clock(nvim)
  permission(nvim)
  nvim:cmd('fclose!')
  nvim:settle()
  focus(nvim)
  nvim:type('1')
  equal(nvim:get('T.answers[1].option'), 'yes')
end)

T['control characters of an agent do not keep a question from opening'] = test(nil, function(nvim)
  permission(nvim, {
    tool = 'Bash\0',
    title = 'ma\0ke\27',
    reason = 'why\0not',
    lines = { 'l\0s', '\0' },
    options = { { option_id = 'y', name = 'Y\0es', kind = 'allow_once' } },
  })
  local screen = nvim:screen()
  contains(screen, 'claude asks: Bash ')
  contains(screen, 'ma ke')
  contains(screen, 'why not')
  contains(screen, 'l s')
  contains(screen, '1 Y es')
  nvim:lua('T.session("s1", { title = "a\\0b" }) require("agor.ui.board").open()')
  contains(nvim:screen(), 'a b')
end)

T['an agents own question may hold control characters too'] = test(nil, function(nvim)
  question(nvim, {
    {
      id = 'a',
      header = 'He\0ad',
      text = 'Wh\0at',
      options = { { label = 'o\0ne', description = '\0' } },
    },
  })
  contains(nvim:screen(), 'claude asks: He ad')
  contains(nvim:screen(), '1 o ne')
end)

T['the reason does not stay on the command line'] = test(nil, function(nvim)
  clock(nvim)
  permission(nvim)
  focus(nvim)
  nvim:type('rtoo wide<CR>')
  equal(nvim:get('T.answers[1].opts.message'), 'too wide')
  lacks(nvim:screen(), 'too wide')
end)

return T
