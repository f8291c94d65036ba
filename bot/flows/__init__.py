"""The conversations: one file each, named after what the person wants."""

from bot.engine.flow import Flow
from bot.flows.agenda import Agenda
from bot.flows.answer_offer import AnswerOfferFlow
from bot.flows.assignment import AssignmentFlow
from bot.flows.assignments import Assignments
from bot.flows.away import Away
from bot.flows.change_date import ChangeDate
from bot.flows.draft import Draft
from bot.flows.feedback import Feedback
from bot.flows.human import TalkToHuman
from bot.flows.join import Join
from bot.flows.language import ChooseLanguage
from bot.flows.menu import Menu
from bot.flows.minutes import Minutes, Release
from bot.flows.my_data import MyData
from bot.flows.my_meetings import MyMeetings
from bot.flows.my_profile import MyProfile
from bot.flows.my_reports import MyReports
from bot.flows.my_requests import MyRequests
from bot.flows.own_words import OwnWords
from bot.flows.place_topic import PlaceTopicFlow
from bot.flows.plan_meeting import PlanMeetingFlow
from bot.flows.pulse import PulseFlow
from bot.flows.report_tension import ReportTension
from bot.flows.request_expert import RequestExpert
from bot.flows.request_language_mediator import RequestLanguageMediator
from bot.flows.withdraw import WithdrawReport
from bot.flows.write import Write

FLOWS: tuple[type[Flow], ...] = (
    ChooseLanguage,
    Menu,
    ReportTension,
    MyReports,
    WithdrawReport,
    MyData,
    TalkToHuman,
    OwnWords,
    Draft,
    Join,
    Away,
    Assignments,
    AssignmentFlow,
    AnswerOfferFlow,
    Write,
    Feedback,
    RequestExpert,
    RequestLanguageMediator,
    MyRequests,
    MyProfile,
    MyMeetings,
    PlaceTopicFlow,
    Agenda,
    PlanMeetingFlow,
    ChangeDate,
    PulseFlow,
    Minutes,
    Release,
)
