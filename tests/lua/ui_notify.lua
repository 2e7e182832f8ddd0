--- What waits for the user: counted, told once, and seen.

local child = require('support.child')
local test, equal, contains, lacks = child.test, child.equal, child.contains, child.lacks

local T = {}

--- Two sessions, and what User AgorAttention said.
local function begin(nvim)
  nvim:lua([[
    T.session('s1', { cwd = '/p/one', title = 'my secret prompt' })
    T.session('s2', { cwd = '/p/two', provider = 'codex' })
    Heard = {}
    vim.api.nvim_create_autocmd('User', { pattern = 'AgorAttention', callback = function(event)
      Heard[#Heard + 1] = event.data
    end })
    Bytes = {}
    require('agor.notify')
    require('agor.notify_terminal').send = function(bytes) Bytes[#Bytes + 1] = bytes return true end
    function Ends(id, reason) require('agor.notify').on_turn({ session_id = id, stop_reason = reason or 'end_turn' }) end
    function Asks(id, request, ours) require('agor.ui.ask').on_permission({
      session_id = id, request_id = request or id, ours = ours, tool = 'Bash', title = 'cat password', input = {}, lines = {}, marks = {},
      options = { { option_id = 'y', name = 'Yes', kind = 'allow_once' } },
    }) end
  ]])
end

T['a turn that ends unseen is counted and told, without a word of what was said'] = test(
  nil,
  function(nvim)
    begin(nvim)
    nvim:lua('Ends("s1")')
    equal(nvim:get('require("agor.notify").unseen()'), 1)
    equal(nvim:get('require("agor.notify").unseen("s1")'), true)
    equal(nvim:get('T.messages'), {
      { 'info', 'claude (/p/one) has finished (:Agor permit)', 'agor-s1' },
    })
    equal(nvim:get('Heard'), { { count = 1, questions = 0, turns = 1, stalled = 0 } })
    nvim:lua('Ends("s2")')
    equal(nvim:get('Heard[2]'), { count = 2, questions = 0, turns = 2, stalled = 0 })
  end
)

T['what the user has ended, or what goes on with the next prompt, is no news'] = test(
  nil,
  function(nvim)
    begin(nvim)
    nvim:lua('Ends("s1", "interrupted") Ends("s1", "cancelled") Ends("s1", "stopped") Ends("gone")')
    nvim:lua('T.sessions.s2.busy = true Ends("s2")')
    equal(nvim:get('require("agor.notify").unseen()'), 0)
    equal(nvim:get('T.messages'), {})
    equal(nvim:get('Heard'), {})
  end
)

T['a transcript that is looked at is seen, and one that is brought to the screen'] = test(
  nil,
  function(nvim)
    begin(nvim)
    nvim:lua('require("agor.ui.pane").open("s1") Ends("s1") Ends("s2")')
    equal(nvim:get('require("agor.notify").unseen("s1")'), false)
    equal(nvim:get('require("agor.notify").unseen("s2")'), true)
    nvim:lua('require("agor.ui.pane").open("s2")')
    nvim:wait('not require("agor.notify").unseen("s2")')
    equal(nvim:get('Heard[#Heard]'), { count = 0, questions = 0, turns = 0, stalled = 0 })
  end
)

T['without the focus nothing is seen until it is back'] = test(nil, function(nvim)
  begin(nvim)
  nvim:lua('require("agor.ui.pane").open("s1") vim.cmd("doautocmd FocusLost") Ends("s1")')
  equal(nvim:get('require("agor.notify").unseen("s1")'), true)
  nvim:cmd('doautocmd FocusGained')
  equal(nvim:get('require("agor.notify").unseen("s1")'), false)
end)

T['one message a session changes in place'] = test(nil, function(nvim)
  begin(nvim)
  nvim:lua(
    'vim.fn.setreg("a", "X") vim.keymap.set("n", "X", function() Asks("s1", "r1") Asks("s1", "r2") end)'
  )
  nvim:type('@a')
  local told = nvim:get('T.messages')
  equal(told[1], { 'info', 'claude (/p/one) asks for Bash (:Agor permit)', 'agor-s1' })
  equal(told[2], { 'info', 'claude (/p/one) asks for Bash and 1 more (:Agor permit)', 'agor-s1' })
  lacks(vim.inspect(told), 'password')
  lacks(vim.inspect(told), 'secret')
end)

T['a question before an agent starts is not said to be for a tool'] = test(nil, function(nvim)
  begin(nvim)
  nvim:lua(
    'vim.keymap.set("n", "X", function() Asks("s1", "r1", true) end) vim.fn.setreg("a", "X")'
  )
  nvim:type('@a')
  equal(nvim:get('T.messages[1][2]'), 'claude (/p/one) asks before it starts (:Agor permit)')
end)

T['a question that the screen shows is not said again'] = test(nil, function(nvim)
  begin(nvim)
  nvim:lua('Asks("s1")')
  equal(nvim:get('T.messages'), {})
  equal(nvim:get('Heard'), { { count = 1, questions = 1, turns = 0, stalled = 0 } })
  nvim:lua('require("agor.ui.ask").on_closed({ session_id = "s1", request_id = "s1" })')
  equal(nvim:get('Heard[2].count'), 0)
end)

T['the desktop is told only while Neovim has lost the focus'] = test(nil, function(nvim)
  begin(nvim)
  nvim:lua('T.config.notify.desktop = "auto"')
  nvim:lua('Ends("s1")')
  equal(nvim:get('Bytes'), {})
  nvim:lua('vim.cmd("doautocmd FocusLost") Ends("s2")')
  equal(#nvim:get('Bytes'), 1)
  contains(nvim:get('Bytes[1]'), 'codex (/p/two) has finished')
  nvim:lua('T.config.notify = { level = "info", desktop = false } Asks("s1")')
  equal(#nvim:get('Bytes'), 1)
  nvim:lua(
    'T.config.notify = { level = "off", desktop = true, bell = true } vim.cmd("doautocmd FocusGained") Asks("s2")'
  )
  equal(#nvim:get('Bytes'), 3)
  equal(nvim:get('Bytes[2]'), '\7')
end)

T['permit shows what finished first when no question is left, then says that nothing waits'] = test(
  nil,
  function(nvim)
    begin(nvim)
    local before = nvim:get('vim.api.nvim_get_current_win()')
    nvim:lua('Ends("s2") Ends("s1") require("agor.ui.ask").focus()')
    equal(nvim:get('require("agor.notify").unseen("s2")'), false)
    equal(nvim:get('vim.fn.bufwinid("agor://s2") > 0'), true)
    equal(nvim:get('T.messages[#T.messages][2]'), '1 more finished turn (:Agor permit)')
    equal(nvim:get('vim.api.nvim_get_current_win()'), before)
    nvim:lua('require("agor.ui.ask").focus()')
    equal(nvim:get('vim.fn.bufwinid("agor://s1") > 0'), true)
    nvim:lua('require("agor.ui.ask").focus()')
    equal(nvim:get('T.messages[#T.messages][2]'), 'nothing waits for you')
  end
)

local CASES = {
  { { TERM = 'xterm-256color' }, '\27]9;agor: it waits\27\\' },
  { { TERM = 'xterm-kitty' }, '\27]99;i=agor:d=0;agor\27\\\27]99;i=agor:d=1:p=body;it waits\27\\' },
  { { TERM = 'foot' }, '\27]777;notify;agor;it waits\27\\' },
  { { TERM = 'xterm-256color', TERM_PROGRAM = 'iTerm.app' }, '\27]9;agor: it waits\27\\' },
  {
    { TERM = 'tmux-256color', TMUX = '/tmp/t,1,0' },
    '\27Ptmux;\27\27]9;agor: it waits\27\27\\\27\\',
  },
  { { TERM = 'linux' }, nil },
}

T['each terminal is told in its own way, through tmux too'] = function()
  local terminal = require('agor.notify_terminal')
  for _, case in ipairs(CASES) do
    equal(terminal.sequence(case[1], 'agor', 'it waits'), case[2])
  end
end

T['nothing in a notification is a command to the terminal'] = function()
  local terminal = require('agor.notify_terminal')
  local bad = 'a\27]0;x\7\194\155b\nc\0\226\128\174d\255;e' .. ('ä'):rep(300)
  for _, term in ipairs({ 'xterm', 'foot', 'xterm-kitty' }) do
    local said = terminal.sequence({ TERM = term }, 'ti;tle\27', bad) or ''
    local inner = said:gsub('\27%]', ''):gsub('\27\\', '')
    equal(inner:find('[%c\127]'), nil)
    equal(inner:find('\194[\128-\159]'), nil)
    equal(inner:find('\226\128\174', 1, true), nil)
    equal(vim.fn.strchars(inner) < 260, true)
  end
  contains(terminal.sequence({ TERM = 'foot' }, 'ti;tle', 'x') or '', 'notify;ti,tle;x')
end

T['an agent that has stalled is told of once, with the way out'] = test(nil, function(nvim)
  begin(nvim)
  nvim:lua([[
    Stalled = {}
    vim.api.nvim_create_autocmd('User', { pattern = 'AgorStalled', callback = function(event)
      Stalled[#Stalled + 1] = event.data
    end })
    function Stalls(id, since)
      T.sessions[id].stalled = since ~= nil
      require('agor.events').handle('stalled', { session_id = id, since = since or vim.NIL, stderr = { 'a', 'timed out' } })
    end
    Stalls('s1', 7)
  ]])
  equal(nvim:get('T.messages'), {
    { 'info', 'claude (/p/one) has said nothing for a while (:Agor retry)', 'agor-s1' },
  })
  equal(nvim:get('Heard'), { { count = 0, questions = 0, turns = 0, stalled = 1 } })
  equal(nvim:get('require("agor.notify").last_words("s1")'), 'timed out')
  nvim:lua('Stalls("s1")')
  equal(nvim:get('Heard[2]'), { count = 0, questions = 0, turns = 0, stalled = 0 })
  equal(nvim:get('require("agor.notify").last_words("s1") == nil'), true)
  equal(nvim:get('Stalled'), {
    { session_id = 's1', stalled = true, since = 7, stderr = { 'a', 'timed out' } },
    { session_id = 's1', stalled = false, stderr = { 'a', 'timed out' } },
  })
  -- In sight of the user the bar and the transcript say it.
  nvim:lua('require("agor.ui.pane").open("s2") Stalls("s2", 7)')
  equal(nvim:get('#T.messages'), 1)
  nvim:lua('T.sessions.s2 = nil require("agor.notify").forget("s2")')
  equal(nvim:get('require("agor.notify").counts().stalled'), 0)
end)

return T
